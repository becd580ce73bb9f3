/**
 * The hash queue bounds how many passwords are hashed at once, and how many requests wait for that. It is a round-robin
 * queue with one FIFO line per client, so a client that floods it delays only itself.
 *
 * A request reserves its slot before its body is read and before the database is queried, so load shedding costs next
 * to nothing. A slot goes through these states:
 *
 *     reserved ──▶ waiting ──▶ called ──▶ running ──▶ left
 *
 * - reserved: the body is incomplete. In a full queue these slots are shed first.
 * - waiting: the body is complete. The slot waits for its turn, at most until the timeout.
 * - called: a core will soon be free, so the handler runs up to its hash.
 * - running: the hash is computed. It is never interrupted.
 * - left: finished, released or shed. Every state may go here.
 */
import { problem } from '../errors.ts'

export interface HashQueue {
  /**
   * Reserves a slot for one hash.
   *
   * @param client whose line the slot joins. Nothing else may decide the order, or response times would leak it.
   * @throws {ProblemError} `overloaded` where the queue is full and no other slot can be shed
   */
  reserve(client: string): Slot
  /** Hashes that run, and all other slots. */
  load(): { running: number; waiting: number }
}

/** A slot in the queue, for one hash. */
export interface Slot {
  /**
   * Declares the body complete and waits for the slot's turn.
   *
   * @throws {ProblemError} `overloaded` where the slot was shed, timed out or was released
   */
  turn(): Promise<void>
  /**
   * Waits for the slot's turn and a free core, runs the job and leaves the queue.
   *
   * @throws what the job throws, and what `turn` throws
   */
  run<T>(job: () => Promise<T>): Promise<T>
  /** Leaves the queue without a hash, such as when the client disconnects. A running hash goes on. */
  release(): void
}

type State = 'reserved' | 'waiting' | 'called' | 'running' | 'left'

interface Entry {
  readonly client: string
  /** By `performance.now()`. */
  readonly reservedAt: number
  state: State
  /** Why the slot left the queue. */
  refusal?: Error
  timeout?: NodeJS.Timeout
  /** Settle what the slot waits for: its turn, or a core. */
  proceed(): void
  refuse(refusal: Error): void
}

/** Hashes per second on a slow core. The queue holds what these cores compute within the timeout. */
const HASHES_PER_CORE_AND_SECOND = 4
/** Slots called ahead per core, so that no core idles while a handler queries the database. */
const AHEAD_PER_CORE = 1
/** A body that takes longer is overdue; it usually comes with the headers, or one round trip later. */
const BODY_GRACE_MS = 500

/**
 * @param cores hashes at once
 * @param timeout seconds that a slot waits for its turn
 */
export function hashQueue(cores: number, timeout: number): HashQueue {
  const capacity = cores + HASHES_PER_CORE_AND_SECOND * cores * timeout
  const mostCalled = cores + AHEAD_PER_CORE * cores
  /** Slots that are reserved or waiting, a line per client. The first line is next; none is empty. */
  const lines = new Map<string, Entry[]>()
  /** Reserved slots, the oldest first. */
  const incomplete = new Set<Entry>()
  /** Called slots whose job waits for a core. */
  const ready: Entry[] = []
  let inLines = 0
  /** Slots that are called or running. */
  let called = 0
  let running = 0

  const overloaded = (detail?: string) =>
    problem('overloaded', {
      retryAfter: 1 + Math.floor(Math.random() * timeout),
      ...(detail !== undefined && { detail }),
    })

  const settled = (entry: Entry) =>
    new Promise<void>((resolve, reject) => {
      entry.proceed = resolve
      entry.refuse = reject
    })

  function enterLine(entry: Entry) {
    const line = lines.get(entry.client)
    if (line) line.push(entry)
    else lines.set(entry.client, [entry])
    inLines++
  }

  function leaveLine(entry: Entry) {
    const rest = lines.get(entry.client)?.filter(other => other !== entry) ?? []
    if (rest.length > 0) lines.set(entry.client, rest)
    else lines.delete(entry.client)
    inLines--
  }

  /** Takes the first waiting slot of the line whose turn it is. A line without one keeps its turn. */
  function takeNext(): Entry | undefined {
    for (const [client, line] of lines) {
      const next = line.find(({ state }) => state === 'waiting')
      if (next === undefined) continue
      leaveLine(next)
      // The rest of the line goes behind all other lines.
      const rest = lines.get(client)
      if (rest && lines.delete(client)) lines.set(client, rest)
      return next
    }
    return undefined
  }

  /** Starts jobs and calls slots, as far as cores are free. */
  function advance() {
    while (running < cores) {
      const next = ready.shift()
      if (next === undefined) break
      running++
      next.state = 'running'
      next.proceed()
    }
    while (called < mostCalled) {
      const next = takeNext()
      if (next === undefined) break
      called++
      next.state = 'called'
      clearTimeout(next.timeout)
      next.proceed()
    }
  }

  /** @param refusal why the slot is lost; none after its job */
  function leave(entry: Entry, refusal?: Error) {
    const { state } = entry
    entry.state = 'left'
    clearTimeout(entry.timeout)
    incomplete.delete(entry)
    if (state === 'reserved' || state === 'waiting') leaveLine(entry)
    else called--
    if (state === 'running') running--
    const at = ready.indexOf(entry)
    if (at >= 0) ready.splice(at, 1)
    if (refusal) {
      entry.refusal = refusal
      entry.refuse(refusal)
    }
    advance()
  }

  /**
   * Sheds a slot of a full queue: one with an overdue body (slow bodies cost an attacker a byte each), else the newest
   * of a line that stays longer than the new client's, else the oldest with an incomplete body.
   */
  function makeRoom(client: string) {
    if (inLines + called < capacity) return
    const [oldest] = incomplete
    const isOverdue = oldest !== undefined && performance.now() - oldest.reservedAt > BODY_GRACE_MS
    let longest: Entry[] = []
    for (const line of lines.values()) if (line.length > longest.length) longest = line
    const isLonger = longest.length > (lines.get(client)?.length ?? 0) + 1
    const victim = isOverdue ? oldest : ((isLonger ? longest.at(-1) : undefined) ?? oldest)
    if (victim === undefined) throw overloaded()
    leave(victim, overloaded())
  }

  function reserve(client: string): Slot {
    makeRoom(client)
    const entry: Entry = {
      client,
      reservedAt: performance.now(),
      state: 'reserved',
      proceed() {},
      refuse() {},
    }
    enterLine(entry)
    incomplete.add(entry)

    async function turn() {
      if (entry.refusal) throw entry.refusal
      if (entry.state !== 'reserved') return
      entry.state = 'waiting'
      incomplete.delete(entry)
      entry.timeout = setTimeout(() => leave(entry, overloaded()), timeout * 1000)
      const itsTurn = settled(entry)
      advance()
      await itsTurn
    }

    async function run<T>(job: () => Promise<T>): Promise<T> {
      await turn()
      if (entry.refusal) throw entry.refusal
      ready.push(entry)
      const core = settled(entry)
      advance()
      await core
      try {
        return await job()
      } finally {
        leave(entry)
      }
    }

    return {
      turn,
      run,
      release() {
        if (entry.state !== 'running' && entry.state !== 'left')
          leave(entry, overloaded('The client is gone.'))
      },
    }
  }

  return {
    reserve,
    load: () => ({ running, waiting: inLines + called - running }),
  }
}
