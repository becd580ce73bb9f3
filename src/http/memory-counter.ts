import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'

interface Count {
  points: number
  /** By the counter's clock. */
  until: number
  /** Milliseconds that it was given. */
  duration: number
  rank: number
}

interface Options {
  keyPrefix: string
  points: number
  /** Seconds from the first count until a key is forgotten; of a leaky counter, seconds for each point. */
  duration: number
}

interface MemoryOptions extends Options {
  /** Points drain one by one instead of being forgotten together. */
  leaky: boolean
  /** Milliseconds by a clock that nobody can set. */
  now: () => number
  /** Keys at most. */
  most: number
}

interface Custom {
  /** Seconds, in place of the counter's own, where a key begins to be counted. */
  customDuration?: number
}

/**
 * Counts in memory, for a bounded number of keys, by a clock that nobody can set. The library's own counter goes by the
 * wall clock (set forward, it forgets failures; set back, it tells clients to wait as long) and grows without bound.
 *
 * A class, since the library takes nothing else for the one behind Redis, and this one, since it exports no other.
 */
export class MemoryCounter extends RateLimiterMemory {
  readonly #options: MemoryOptions
  readonly #counts = new Map<string, Count>()
  /**
   * Keys by the magnitude of what would be lost with them: points and duration. A full counter gives up the oldest of
   * the lowest rank, so that a flood of new keys evicts itself and no counter of many failures.
   */
  readonly #ranks: Set<string>[] = []

  constructor(options: MemoryOptions) {
    const { keyPrefix, points, duration } = options
    super({ keyPrefix, points, duration })
    this.#options = options
  }

  get size(): number {
    return this.#counts.size
  }

  /** Forgets what has expired. */
  sweep() {
    const now = this.#options.now()
    for (const [name, { until }] of this.#counts) if (until <= now) this.#drop(name)
  }

  #find(name: string): Count | undefined {
    const found = this.#counts.get(name)
    return found && found.until > this.#options.now() ? found : undefined
  }

  #drop(name: string): boolean {
    const found = this.#counts.get(name)
    if (found) this.#ranks[found.rank]?.delete(name)
    return this.#counts.delete(name)
  }

  #keep(name: string, points: number, until: number, duration: number) {
    const rank = Math.floor(Math.log2(Math.max(1, points * duration)))
    const found = this.#counts.get(name)
    if (found === undefined) this.#makeRoom()
    else this.#ranks[found.rank]?.delete(name)
    this.#counts.set(name, { points, until, duration, rank })
    const rankKeys = this.#ranks[rank] ?? new Set()
    this.#ranks[rank] = rankKeys.add(name)
  }

  #makeRoom() {
    if (this.#counts.size < this.#options.most) return
    for (const name of this.#ranks.find(names => names?.size) ?? []) {
      this.#drop(name)
      return
    }
  }

  #add(key: string | number, points: number, { customDuration }: Custom): RateLimiterRes {
    const name = this.getKey(key)
    const now = this.#options.now()
    const found = this.#find(name)
    const ownDuration = (customDuration ?? this.duration) * 1000
    if (this.#options.leaky) {
      const left = (found?.until ?? now) - now + points * ownDuration
      const level = Math.max(0, Math.ceil(left / ownDuration))
      if (level === 0) this.#drop(name)
      else this.#keep(name, level, now + left, ownDuration)
      return this.#result(level, left, level === points)
    }
    const sum = Math.max(0, (found?.points ?? 0) + points)
    const until = found?.until ?? now + ownDuration
    if (sum === 0) this.#drop(name)
    else this.#keep(name, sum, until, found?.duration ?? ownDuration)
    return this.#result(sum, until - now, found === undefined)
  }

  #result(points: number, milliseconds: number, isFirst: boolean): RateLimiterRes {
    return new RateLimiterRes(Math.max(this.points - points, 0), Math.max(0, milliseconds), points, isFirst)
  }

  override consume(key: string | number, points = 1, options: Custom = {}): Promise<RateLimiterRes> {
    const result = this.#add(key, points, options)
    return result.consumedPoints > this.points ? Promise.reject(result) : Promise.resolve(result)
  }

  override async penalty(key: string | number, points = 1, options: Custom = {}): Promise<RateLimiterRes> {
    return this.#add(key, points, options)
  }

  override async reward(key: string | number, points = 1, options: Custom = {}): Promise<RateLimiterRes> {
    return this.#add(key, -points, options)
  }

  override async get(key: string | number): Promise<RateLimiterRes | null> {
    const found = this.#find(this.getKey(key))
    return found ? this.#result(found.points, found.until - this.#options.now(), false) : null
  }

  override async delete(key: string | number): Promise<boolean> {
    return this.#drop(this.getKey(key))
  }
}
