/** A counter in Redis that goes on in memory while Redis does not count: limits never open. */
import {
  type IRateLimiterRedisOptions,
  type RateLimiterAbstract,
  RateLimiterRedis,
  RateLimiterRes,
} from 'rate-limiter-flexible'
import type { RedisState } from './redis-state.ts'

type Call<Name extends 'consume' | 'penalty' | 'reward' | 'get' | 'delete'> = Parameters<
  RateLimiterAbstract[Name]
>

/** The library has an insurance of its own, which keeps to itself why it was needed. */
export class SharedCounter extends RateLimiterRedis {
  readonly #local: RateLimiterAbstract
  readonly #state: RedisState

  /**
   * @param options of the counter in Redis
   * @param local counts while Redis does not
   * @param state is told of every failure and success
   */
  constructor(options: IRateLimiterRedisOptions, local: RateLimiterAbstract, state: RedisState) {
    super(options)
    this.#local = local
    this.#state = state
  }

  async #count<T>(shared: () => Promise<T>, local: (counter: RateLimiterAbstract) => Promise<T>): Promise<T> {
    try {
      const result = await shared()
      this.#state.worked()
      return result
    } catch (error) {
      // A refusal is a result as well.
      if (error instanceof RateLimiterRes) {
        this.#state.worked()
        throw error
      }
      this.#state.failed(error)
      return local(this.#local)
    }
  }

  override consume(...args: Call<'consume'>) {
    return this.#count(
      () => super.consume(...args),
      counter => counter.consume(...args),
    )
  }

  override penalty(...args: Call<'penalty'>) {
    return this.#count(
      () => super.penalty(...args),
      counter => counter.penalty(...args),
    )
  }

  override reward(...args: Call<'reward'>) {
    return this.#count(
      () => super.reward(...args),
      counter => counter.reward(...args),
    )
  }

  override get(...args: Call<'get'>) {
    return this.#count(
      () => super.get(...args),
      counter => counter.get(...args),
    )
  }

  override delete(...args: Call<'delete'>) {
    return this.#count(
      () => super.delete(...args),
      counter => counter.delete(...args),
    )
  }
}
