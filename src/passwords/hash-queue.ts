/**
 * A bounded queue for the one costly thing this service does. More hashes in flight than cores only
 * cost memory and starve the event loop; more waiting than can be served in time only cost patience.
 * Clients take turns, so that one who floods it waits behind nobody but itself, and nobody behind it.
 */
import { problem } from '../errors.ts'
import { fairLines } from './fair-lines.ts'

/** Runs jobs, a few at once; sheds those that would wait too long. */
export interface HashQueue {
  /**
   * @param client whose turn it takes. Nothing else may decide the order, or the time of an answer would
   *   tell it.
   * @param job starts the hash
   * @param signal once aborted, a job that still waits is taken out
   * @throws {ProblemError} `overloaded` where there is no room, the patience is over, or the client is gone
   */
  run<T>(client: string, job: () => Promise<T>, signal?: AbortSignal): Promise<T>
  /**
   * Sheds a request before anything is done for it. That there is room now promises none later.
   *
   * @throws {ProblemError} `overloaded` where the queue has no room for this client
   */
  assertRoom(client: string): void
  /** Jobs under way and waiting. */
  load(): { running: number; waiting: number }
}

/** How many jobs a slow core does in a second; the queue holds what can be done within its patience. */
const JOBS_PER_CORE_AND_SECOND = 4

/** A job that waits. */
interface Waiter {
  start(): void
  shed(detail?: string): void
}

/**
 * Makes a queue.
 *
 * @param concurrency jobs at once, the number of cores
 * @param patience seconds that a job may wait
 */
export function hashQueue(concurrency: number, patience: number): HashQueue {
  const lines = fairLines<Waiter>()
  const limit = JOBS_PER_CORE_AND_SECOND * concurrency * patience
  let running = 0

  const overloaded = (detail?: string) =>
    problem('overloaded', {
      retryAfter: 1 + Math.floor(Math.random() * patience),
      ...(detail !== undefined && { detail }),
    })

  /**
   * A full queue still has room for a client whose line is shorter than the longest even after it joined:
   * the newest of the longest makes way.
   */
  function assertRoom(client: string) {
    if (lines.size() < limit) return
    if (lines.lengthOf(client) + 1 >= lines.longest().length) throw overloaded()
  }

  function turn(client: string, signal: AbortSignal | undefined): Promise<void> {
    if (running < concurrency) {
      running++
      return Promise.resolve()
    }
    assertRoom(client)
    if (lines.size() >= limit) lines.longest().last?.shed()
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        start() {
          done()
          resolve()
        },
        shed(detail) {
          done()
          lines.leave(client, waiter)
          reject(overloaded(detail))
        },
      }
      const timer = setTimeout(() => waiter.shed(), patience * 1000)
      const gone = () => waiter.shed('The client is gone.')
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', gone)
      }
      signal?.addEventListener('abort', gone)
      lines.join(client, waiter)
    })
  }

  return {
    async run(client, job, signal) {
      if (signal?.aborted) throw overloaded('The client is gone.')
      await turn(client, signal)
      try {
        return await job()
      } finally {
        // The place is handed on, so `running` changes only where nobody waits.
        const next = lines.next()
        if (next) next.start()
        else running--
      }
    },
    assertRoom,
    load: () => ({ running, waiting: lines.size() }),
  }
}
