/**
 * The hash queue bounds how many passwords are hashed at once, and how many requests wait for that. It is a round-robin
 * queue with one FIFO line per client, so a client that floods it delays only itself. Clients whose addresses one party
 * may hold form a group, which has one turn.
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
   * @param client whose line the slot joins. Nothing but client and group may decide the order, or response times would
   *   leak it.
   * @param group of the client; by default it has no other client
   * @throws {ProblemError} `overloaded` where the queue is full and no other slot can be shed
   */
  reserve(client: string, group?: string): Slot
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
  readonly group: string
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

/** The lines of a group's clients. */
type Lines = Map<string, Entry[]>

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
  /** Slots that are reserved or waiting, a line per client. The first group and line are next; none is empty. */
  const groups = new Map<string, Lines>()
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
    const lines: Lines = groups.get(entry.group) ?? new Map()
    lines.set(entry.client, [...(lines.get(entry.client) ?? []), entry])
    groups.set(entry.group, lines)
    inLines++
  }

  function leaveLine(entry: Entry) {
    const lines = groups.get(entry.group)
    const rest = lines?.get(entry.client)?.filter(other => other !== entry) ?? []
    if (rest.length > 0) lines?.set(entry.client, rest)
    else lines?.delete(entry.client)
    if (lines?.size === 0) groups.delete(entry.group)
    inLines--
  }

  /** Takes the first waiting slot of the line whose turn it is. A line without one keeps its turn. */
  function takeNext(): Entry | undefined {
    for (const [group, lines] of groups) {
      for (const [client, line] of lines) {
        const next = line.find(({ state }) => state === 'waiting')
        if (next === undefined) continue
        leaveLine(next)
        moveToEnd(lines, client)
        moveToEnd(groups, group)
        return next
      }
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
   * Sheds a slot of a full queue: one with an overdue body (slow bodies cost an attacker a byte each), else one of a
   * larger group or line than the new client's, else the oldest with an incomplete body.
   */
  function makeRoom(client: string, group: string) {
    if (inLines + called < capacity) return
    const [oldest] = incomplete
    const isOverdue = oldest !== undefined && performance.now() - oldest.reservedAt > BODY_GRACE_MS
    const victim = isOverdue ? oldest : (newestOfLarger(client, group) ?? oldest)
    if (victim === undefined) throw overloaded()
    leave(victim, overloaded())
  }

  /**
   * The newest slot of the longest line in the largest group, if that group stays larger than the new client's.
   * Otherwise the newest of the longest line in the client's own group, if that line stays longer than the client's.
   */
  function newestOfLarger(client: string, group: string): Entry | undefined {
    const own: Lines = groups.get(group) ?? new Map()
    let largest = own
    for (const lines of groups.values()) if (sizeOf(lines) > sizeOf(largest)) largest = lines
    const isOwn = sizeOf(largest) <= sizeOf(own) + 1
    let longest: Entry[] = []
    for (const line of (isOwn ? own : largest).values()) if (line.length >= longest.length) longest = line
    if (isOwn && longest.length <= (own.get(client)?.length ?? 0) + 1) return undefined
    return longest.at(-1)
  }

  function reserve(client: string, group = client): Slot {
    makeRoom(client, group)
    const entry: Entry = {
      client,
      group,
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

function sizeOf(lines: Lines): number {
  let size = 0
  for (const { length } of lines.values()) size += length
  return size
}

/** Moves a key behind all others, if the map has it. */
function moveToEnd<T>(map: Map<string, T>, key: string) {
  const value = map.get(key)
  if (value !== undefined && map.delete(key)) map.set(key, value)
}
