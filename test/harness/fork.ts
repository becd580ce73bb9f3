// Runs work in a separate process. tap tracks every promise of its own process, which costs a quarter of the
// time and grows memory. (libsql aborts the process if a thread ends during its work.)
import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Teardown } from './database.ts'

/** The last message of the process. */
type Said<Answer> = { answer: Answer } | { error: unknown }

/**
 * Runs a module in a process that ends with the test.
 *
 * @param module calls answerFromFork
 * @param input plain data
 * @returns plain data
 * @throws what the module throws, or an Error if the process ends without an answer
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

/** Runs the work of a forked module. Its teardowns run before the answer is sent. */
export async function answerFromFork<Input, Answer>(
  work: (t: Teardown, input: Input) => Promise<Answer>,
): Promise<void> {
  // The parent may be killed.
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
