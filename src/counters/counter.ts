/** Counts by key: the interface, and its implementation in memory. `counters.ts` has the one in Redis. */
import { createHash, randomInt } from 'node:crypto'

interface Count {
  /** Points that are counted. */
  current: number
  /** Milliseconds until they are forgotten; for a leaky counter, until the last one has drained. */
  ttl: number
}

/** Counts points by key. Each key has a time that starts with its first point. */
export interface Counter {
  /**
   * Adds points to a key.
   *
   * @param points negative to take points back
   * @param seconds duration of a new key, instead of the duration of the counter
   * @returns the count after that, never below zero
   */
  add(key: string, points?: number, seconds?: number): Promise<Count>
  /** The count of a key as last changed, or undefined if nothing is counted. */
  get(key: string): Promise<Count | undefined>
  forget(key: string): Promise<void>
}

export interface CounterOptions {
  /** Seconds after which a key is forgotten; for a leaky counter, after which one point drains. */
  seconds: number
  /** Points drain one by one instead of being forgotten together. */
  leaky: boolean
}

interface MemoryOptions extends CounterOptions {
  /** Milliseconds of a monotonic clock. */
  now: () => number
  /** The most keys that are kept, at least two. */
  most: number
  /** Returns a random whole number from 0 up to, but not including, `below`. Replaced by tests. */
  random?: (below: number) => number
}

export interface MemoryCounter extends Counter {
  /** Deletes expired keys. */
  sweep(): void
  /** The number of keys, expired ones included. */
  size(): number
}

interface Entry {
  readonly key: string
  points: number
  /** Milliseconds of the counter's clock. */
  until: number
  /** Milliseconds that the key was given. */
  duration: number
  /** Its index in `list`. */
  at: number
}

/** A counter in memory with a bounded number of keys. Setting the system's clock does not affect it. */
export function memoryCounter(options: MemoryOptions): MemoryCounter {
  const { seconds, leaky, now, most, random = randomInt } = options
  const entries = new Map<string, Entry>()
  /** The same entries without an order, so that one can be picked at random. */
  const list: Entry[] = []

  function find(key: string, time: number): Entry | undefined {
    const found = entries.get(key)
    return found && found.until > time ? found : undefined
  }

  function drop(entry: Entry | undefined) {
    if (entry === undefined) return
    entries.delete(entry.key)
    const last = list.pop() as Entry
    if (last === entry) return
    list[entry.at] = last
    last.at = entry.at
  }

  function keep(key: string, points: number, until: number, duration: number) {
    const found = entries.get(key)
    if (found) return void Object.assign(found, { points, until, duration })
    if (list.length >= most) evict()
    const entry = { key, points, until, duration, at: list.length }
    entries.set(key, entry)
    list.push(entry)
  }

  /**
   * Evicts the key with less points times duration of two that are picked at random. Were it the least of all keys, a
   * flood of keys with two points would let each new key evict the count of a victim, which begins with one point.
   */
  function evict() {
    const first = random(list.length)
    const other = random(list.length - 1)
    const second = other < first ? other : other + 1
    drop(weightOf(list[second]) < weightOf(list[first]) ? list[second] : list[first])
  }

  return {
    async add(key, points = 1, ownSeconds = seconds) {
      const time = now()
      const found = find(key, time)
      const duration = found?.duration ?? ownSeconds * 1000
      const until = leaky ? (found?.until ?? time) + points * duration : (found?.until ?? time + duration)
      const ttl = Math.max(0, until - time)
      const current = Math.max(0, leaky ? Math.ceil(ttl / duration) : (found?.points ?? 0) + points)
      if (current === 0) drop(entries.get(key))
      else keep(key, current, until, duration)
      return { current, ttl }
    },
    async get(key) {
      const time = now()
      const found = find(key, time)
      return found && { current: found.points, ttl: found.until - time }
    },
    async forget(key) {
      drop(entries.get(key))
    },
    sweep() {
      const time = now()
      for (const entry of entries.values()) if (entry.until <= time) drop(entry)
    },
    size: () => entries.size,
  }
}

const weightOf = (entry: Entry | undefined) => (entry ? entry.points * entry.duration : 0)

/** A key that hides its parts, so that a shared store holds no email in clear. */
export function hashedKey(...parts: (string | null)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}
