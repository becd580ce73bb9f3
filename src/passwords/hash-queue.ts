/**
 * A bounded queue for the one costly thing this service does. More hashes in flight than cores only
 * cost memory and starve the event loop; more waiting than can be served in time only cost patience.
 * Clients take turns, so that one who floods it waits behind nobody but itself, and nobody behind it.
 *
 * It stands at the door: a request has its place before anything is done for it, and waits there before the database is
 * asked on its behalf. Else the first of a flood would keep the event loop busy with what is of use only later, while
 * those behind wait to be told that there is no room.
 */
import { problem } from '../errors.ts'
import { fairLines } from './fair-lines.ts'
import { semaphore } from './semaphore.ts'

/** Runs jobs, a few at once; sheds those that would wait too long. */
export interface HashQueue {
  /**
   * Takes a place for a job that is still to come, so that who is shed is shed before anything is done for it.
   *
   * @param client whose turn it takes. Nothing else may decide the order, or the time of an answer would
   *   tell it.
   * @param signal once aborted, the place is given back
   * @throws {ProblemError} `overloaded` where every place has a complete body and no client's line is longer than
   *   this client's, or the client is gone
   */
  reserve(client: string, signal?: AbortSignal): Place
  /** Jobs under way, and places that are taken besides. */
  load(): { running: number; waiting: number }
}

/** A place in the queue, for one job. */
export interface Place {
  /**
   * Waits until the job may be prepared: a core will soon be free for it.
   *
   * @throws {ProblemError} `overloaded` where the patience is over, another client was given the place, or this one
   *   is gone
   */
  turn(): Promise<void>
  /**
   * Runs the job when its turn has come and a core is free, and then gives the place back.
   *
   * @param job starts the hash
   * @throws {ProblemError} as `turn` does
   */
  run<T>(job: () => Promise<T>): Promise<T>
  /** Gives the place back, where no job comes. Whoever waits for `turn` or `run` must not. */
  release(): void
}

/** How many jobs a slow core does in a second; the queue holds what can be done within its patience. */
const JOBS_PER_CORE_AND_SECOND = 4
/** How many may be prepared for each core besides the one that runs there, so that no core waits for a database. */
const AHEAD_PER_CORE = 1
/** How long a body may take before its place goes first. The body usually comes with the head, or a round trip later. */
const BODY_GRACE_MS = 500
const GONE = 'The client is gone.'

/** Whoever stands in line. */
interface Waiter {
  /** Its turn has come. Unset while the body of its request is not complete. */
  call?: () => void
  /** By `performance.now()`. */
  since: number
  shed(): void
}

/**
 * Makes a queue.
 *
 * @param concurrency jobs at once, the number of cores
 * @param patience seconds to wait for one's turn
 */
export function hashQueue(concurrency: number, patience: number): HashQueue {
  const lines = fairLines<Waiter>(({ call }) => call !== undefined)
  const cores = semaphore(concurrency)
  const most = concurrency + JOBS_PER_CORE_AND_SECOND * concurrency * patience
  const mostCalled = concurrency + AHEAD_PER_CORE * concurrency
  /** Places whose turn has come: those of jobs under way, and of those that are prepared. */
  let called = 0
  /** Places of requests whose body is not complete, oldest first. */
  const incomplete = new Set<Waiter>()

  const overloaded = (detail?: string) =>
    problem('overloaded', {
      retryAfter: 1 + Math.floor(Math.random() * patience),
      ...(detail !== undefined && { detail }),
    })

  /**
   * Makes room in a full queue. A place whose body is overdue goes first: slow bodies cost an attacker a byte each. Then
   * the newest of a client whose line is longer, even after the new client has joined. Then the oldest incomplete.
   */
  function makeRoom(client: string) {
    if (called + lines.size() < most) return
    const [slowest] = incomplete
    const isOverdue = slowest !== undefined && performance.now() - slowest.since > BODY_GRACE_MS
    const { length, last } = lines.longest()
    const longest = lines.lengthOf(client) + 1 < length ? last : undefined
    const victim = isOverdue ? slowest : (longest ?? slowest)
    if (victim === undefined) throw overloaded()
    victim.shed()
  }

  function callNext() {
    while (called < mostCalled) {
      const next = lines.next()
      if (next === undefined) return
      called++
      next.call?.()
    }
  }

  function reserve(client: string, signal?: AbortSignal): Place {
    if (signal?.aborted) throw overloaded(GONE)
    makeRoom(client)
    let where: 'in line' | 'called' | 'gone' = 'in line'
    /** Why the place is lost. */
    let refusal: Error | undefined
    let refuse: ((refusal: Error) => void) | undefined
    let patienceOver: NodeJS.Timeout | undefined

    function leave() {
      if (where === 'in line') lines.leave(client, waiter)
      incomplete.delete(waiter)
      clearTimeout(patienceOver)
      signal?.removeEventListener('abort', depart)
      const wasCalled = where === 'called'
      where = 'gone'
      if (!wasCalled) return
      called--
      callNext()
    }

    function lose(because: Error) {
      refusal = because
      leave()
      refuse?.(because)
    }

    const depart = () => lose(overloaded(GONE))
    const waiter: Waiter = { since: performance.now(), shed: () => lose(overloaded()) }
    signal?.addEventListener('abort', depart)
    lines.join(client, waiter)
    incomplete.add(waiter)

    async function turn() {
      if (refusal !== undefined) throw refusal
      if (where !== 'in line') return
      incomplete.delete(waiter)
      await new Promise<void>((resolve, reject) => {
        refuse = reject
        patienceOver = setTimeout(() => lose(overloaded()), patience * 1000)
        waiter.call = () => {
          clearTimeout(patienceOver)
          where = 'called'
          resolve()
        }
        callNext()
      })
    }

    return {
      turn,
      async run(job) {
        await turn()
        const begin = () => {
          if (refusal !== undefined) throw refusal
          // Who is gone now no longer frees a core.
          signal?.removeEventListener('abort', depart)
          return job()
        }
        return cores.run(begin).finally(leave)
      },
      release: leave,
    }
  }

  return {
    reserve,
    load: () => ({ running: cores.running(), waiting: called + lines.size() - cores.running() }),
  }
}
