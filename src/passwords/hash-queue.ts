/**
 * A bounded queue for the one costly thing this service does. More hashes in flight than cores only
 * cost memory and starve the event loop; more waiting than can be served in time only cost patience.
 */
import { problem } from '../errors.ts'

/** Runs jobs, a few at once; sheds those that would wait too long. */
export interface HashQueue {
  /**
   * @param job starts the hash
   * @throws {ProblemError} `overloaded` where the queue is full, or its patience is over
   */
  run<T>(job: () => Promise<T>): Promise<T>
  /**
   * Sheds a request before anything is done for it. That there is room now promises none later.
   *
   * @throws {ProblemError} `overloaded` where the queue is full
   */
  assertRoom(): void
  /** Jobs under way and waiting. */
  load(): { running: number; waiting: number }
}

/** How many jobs a slow core does in a second; the queue holds what can be done within its patience. */
const JOBS_PER_CORE_AND_SECOND = 4

/**
 * Makes a queue.
 *
 * @param concurrency jobs at once, the number of cores
 * @param patience seconds that a job may wait
 */
export function hashQueue(concurrency: number, patience: number): HashQueue {
  const waiting: { start(): void }[] = []
  const limit = JOBS_PER_CORE_AND_SECOND * concurrency * patience
  let running = 0

  const overloaded = () => problem('overloaded', { retryAfter: 1 + Math.floor(Math.random() * patience) })

  function assertRoom() {
    if (waiting.length >= limit) throw overloaded()
  }

  function turn(): Promise<void> {
    if (running < concurrency) {
      running++
      return Promise.resolve()
    }
    assertRoom()
    return new Promise((resolve, reject) => {
      const waiter = {
        start() {
          clearTimeout(timer)
          resolve()
        },
      }
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(waiter), 1)
        reject(overloaded())
      }, patience * 1000)
      waiting.push(waiter)
    })
  }

  return {
    async run(job) {
      await turn()
      try {
        return await job()
      } finally {
        // The place is handed on, so `running` changes only where nobody waits.
        const next = waiting.shift()
        if (next) next.start()
        else running--
      }
    },
    assertRoom,
    load: () => ({ running, waiting: waiting.length }),
  }
}
