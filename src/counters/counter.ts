/** Counts by key: the interface, and its implementation in memory. `http/counters.ts` has the one in Redis. */
import { createHash } from 'node:crypto'

export interface Count {
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
  /** The most keys that are kept. */
  most: number
}

export interface MemoryCounter extends Counter {
  /** Deletes expired keys. */
  sweep(): void
  /** The number of keys, expired ones included. */
  size(): number
}

interface Entry {
  points: number
  /** Milliseconds of the counter's clock. */
  until: number
  /** Milliseconds that the key was given. */
  duration: number
  rank: number
}

/** A counter in memory with a bounded number of keys. Setting the system's clock does not affect it. */
export function memoryCounter({ seconds, leaky, now, most }: MemoryOptions): MemoryCounter {
  const entries = new Map<string, Entry>()
  /**
   * Keys by the order of magnitude of points times duration. A full counter evicts the oldest key of the lowest rank:
   * a flood of new keys evicts itself, and no key with many failures.
   */
  const ranks: Set<string>[] = []

  function find(key: string, time: number): Entry | undefined {
    const found = entries.get(key)
    return found && found.until > time ? found : undefined
  }

  function drop(key: string) {
    const found = entries.get(key)
    if (found) ranks[found.rank]?.delete(key)
    entries.delete(key)
  }

  function keep(key: string, points: number, until: number, duration: number) {
    const rank = Math.floor(Math.log2(Math.max(1, points * duration)))
    const found = entries.get(key)
    if (found) ranks[found.rank]?.delete(key)
    else if (entries.size >= most) evict()
    entries.set(key, { points, until, duration, rank })
    ranks[rank] = (ranks[rank] ?? new Set()).add(key)
  }

  function evict() {
    for (const key of ranks.find(keys => keys?.size) ?? []) return drop(key)
  }

  return {
    async add(key, points = 1, ownSeconds = seconds) {
      const time = now()
      const found = find(key, time)
      const duration = found?.duration ?? ownSeconds * 1000
      const until = leaky ? (found?.until ?? time) + points * duration : (found?.until ?? time + duration)
      const ttl = Math.max(0, until - time)
      const current = Math.max(0, leaky ? Math.ceil(ttl / duration) : (found?.points ?? 0) + points)
      if (current === 0) drop(key)
      else keep(key, current, until, duration)
      return { current, ttl }
    },
    async get(key) {
      const time = now()
      const found = find(key, time)
      return found && { current: found.points, ttl: found.until - time }
    },
    async forget(key) {
      drop(key)
    },
    sweep() {
      const time = now()
      for (const [key, { until }] of entries) if (until <= time) drop(key)
    },
    size: () => entries.size,
  }
}

/** A key that hides its parts, so that a shared store holds no email in clear. */
export function hashedKey(...parts: (string | null)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}
