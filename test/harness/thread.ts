/**
 * Work in a thread of its own. tap follows every promise that is made in its own thread, to know which test
 * an error belongs to: a quarter of the time of what awaits all the time, and memory that only grows.
 */
import { parentPort, Worker, workerData } from 'node:worker_threads'
import type { Teardown } from './database.ts'

/** What a thread says: a line for whoever watches, or its answer, which is the last. */
type Said<Answer> = { comment: string } | { answer: Answer }

/**
 * Runs a module in a thread, which ends with the test at the latest.
 *
 * @param module calls answerFromThread
 * @param input what it is given; plain data
 * @param comment called for each line that it says meanwhile
 * @returns its answer; plain data
 * @throws whatever is thrown there
 */
export function runInThread<Answer>(
  t: Teardown,
  module: URL,
  input: unknown,
  comment: (line: string) => void = () => {},
): Promise<Answer> {
  const worker = new Worker(module, { workerData: input, execArgv: ['--enable-source-maps'] })
  t.teardown(() => worker.terminate())
  return new Promise((resolve, reject) => {
    worker.on('message', (said: Said<Answer>) => {
      if ('comment' in said) comment(said.comment)
      else resolve(said.answer)
    })
    worker.on('error', reject)
    // Without effect after an answer.
    worker.on('exit', code => reject(new Error(`the thread ended with ${code} and no answer`)))
  })
}

/**
 * What a module does that runs in a thread.
 *
 * @param work its teardowns are done before the answer is given
 */
export async function answerFromThread<Input, Answer>(
  work: (t: Teardown, input: Input, comment: (line: string) => void) => Promise<Answer>,
): Promise<void> {
  const say = (said: Said<Answer>) => parentPort?.postMessage(said)
  const handlers: (() => unknown)[] = []
  const t: Teardown = { teardown: handler => handlers.push(handler) }
  try {
    const answer = await work(t, workerData, comment => say({ comment }))
    say({ answer })
  } finally {
    for (const handler of handlers.reverse()) await handler()
  }
}
