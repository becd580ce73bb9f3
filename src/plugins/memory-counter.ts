import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'

interface Count {
  points: number
  /** By `performance.now()`. */
  until: number
  timer: NodeJS.Timeout
}

interface Options {
  /** Seconds, in place of the counter's own, where a key begins to be counted. */
  customDuration?: number
}

/**
 * Counts in memory by the time that passes, which nobody can set. The library's own counter goes by the wall
 * clock: set forward, it forgets who guesses; set back, it tells clients to wait as long as it was set back.
 *
 * A class, since the library takes nothing else for the one behind Redis, and this one, since it exports no other.
 */
export class MemoryCounter extends RateLimiterMemory {
  readonly #counts = new Map<string, Count>()

  #add(key: string | number, points: number, { customDuration }: Options): RateLimiterRes {
    const name = this.getKey(key)
    const found = this.#counts.get(name)
    if (found && found.until > performance.now()) {
      found.points += points
      return this.#told(found, false)
    }
    clearTimeout(found?.timer)
    const milliseconds = (customDuration ?? this.duration) * 1000
    const timer = setTimeout(() => this.#counts.delete(name), milliseconds).unref()
    const count = { points, until: performance.now() + milliseconds, timer }
    this.#counts.set(name, count)
    return this.#told(count, true)
  }

  #told({ points, until }: Count, isFirst: boolean): RateLimiterRes {
    return new RateLimiterRes(Math.max(this.points - points, 0), until - performance.now(), points, isFirst)
  }

  override consume(key: string | number, points = 1, options: Options = {}): Promise<RateLimiterRes> {
    const told = this.#add(key, points, options)
    return told.consumedPoints > this.points ? Promise.reject(told) : Promise.resolve(told)
  }

  override async penalty(key: string | number, points = 1, options: Options = {}): Promise<RateLimiterRes> {
    return this.#add(key, points, options)
  }

  override async reward(key: string | number, points = 1, options: Options = {}): Promise<RateLimiterRes> {
    return this.#add(key, -points, options)
  }

  override async get(key: string | number): Promise<RateLimiterRes | null> {
    const found = this.#counts.get(this.getKey(key))
    return found && found.until > performance.now() ? this.#told(found, false) : null
  }

  override async delete(key: string | number): Promise<boolean> {
    const name = this.getKey(key)
    clearTimeout(this.#counts.get(name)?.timer)
    return this.#counts.delete(name)
  }
}
