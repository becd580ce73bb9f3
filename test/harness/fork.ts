/**
 * Work in a process of its own. tap follows every promise that is made in its own process, to know which test
 * an error belongs to: a quarter of the time of what awaits all the time, and memory that only grows. (A thread
 * would do, but that libsql's driver aborts the whole process when one is ended while it works.)
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Teardown } from './database.ts'

/** What the process says last. */
type Said<Answer> = { answer: Answer } | { error: unknown }

/**
 * Runs a module in a process, which ends with the test at the latest.
 *
 * @param module calls answerFromFork
 * @param input what it is given; plain data
 * @returns its answer; plain data
 * @throws what is thrown there, or an Error if the process ends without an answer
 */
export async function runInFork<Answer>(t: Teardown, module: URL, input: unknown): Promise<Answer> {
  const child = fork(module, { execArgv: ['--enable-source-maps'], serialization: 'advanced' })
  t.teardown(() => child.kill('SIGKILL'))
  const said: Said<Answer>[] = []
  child.on('message', message => said.push(message as Said<Answer>))
  child.send({ input })
  const [code, signal] = await once(child, 'exit')
  const [last] = said
  if (last === undefined) throw new Error(`${module} ended with ${signal ?? code}, and no answer`)
  if ('error' in last) throw last.error
  return last.answer
}

/**
 * What a module does that runs in a process of its own.
 *
 * @param work its teardowns are done before the answer is given
 */
export async function answerFromFork<Input, Answer>(
  work: (t: Teardown, input: Input) => Promise<Answer>,
): Promise<void> {
  // Whoever waits for the answer may be killed, and then nobody would end this.
  process.once('disconnect', () => process.exit(1))
  const [{ input }] = (await once(process, 'message')) as [{ input: Input }]
  const handlers: (() => unknown)[] = []
  let said: Said<Answer>
  try {
    said = { answer: await work({ teardown: handler => handlers.push(handler) }, input) }
  } catch (error) {
    said = { error }
  }
  for (const handler of handlers.reverse()) await handler()
  await new Promise<void>(resolve => void process.send?.(said, () => resolve()))
  process.exit()
}
