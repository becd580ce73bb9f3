/**
 * argon2id by one of two libraries that read and write the same PHC strings. `@node-rs/argon2` picks AVX2
 * at run time and does about twice as many hashes a second on x86-64; `argon2` is there where that has no
 * binary. Both hash on libuv's thread pool (an `AsyncTask` of napi-rs is one of its jobs, too), so
 * start.cts sets the size of one pool for either.
 */

/** What a hash costs. */
export interface Cost {
  /** KiB. */
  memory: number
  /** Passes. */
  time: number
  /** Lanes. */
  parallelism: number
}

export interface Argon2 {
  /** The package in use. */
  name: '@node-rs/argon2' | 'argon2'
  /** @returns a PHC string with 16 bytes of salt and 32 of hash */
  hash(password: string, cost: Cost): Promise<string>
  /** @throws Error for what stored-hash.ts does not take for affordable */
  verify(stored: string, password: string): Promise<boolean>
}

/** Loads the optional package. */
export type LoadFast = () => Promise<typeof import('@node-rs/argon2')>

/**
 * Picks the faster library that loads here.
 *
 * @param loadFast an argument, since a package cannot be taken away from a process that has it
 */
export async function loadArgon2(loadFast: LoadFast = () => import('@node-rs/argon2')): Promise<Argon2> {
  const fast = await loadFast().catch(() => undefined)
  return fast === undefined ? portable(await import('argon2')) : nodeRs(fast)
}

/** Its defaults are argon2id, version 19, and these lengths; its enums are types alone. */
function nodeRs({ hash, verify }: typeof import('@node-rs/argon2')): Argon2 {
  return {
    name: '@node-rs/argon2',
    hash: (password, { memory, time, parallelism }) =>
      hash(password, { memoryCost: memory, timeCost: time, parallelism }),
    verify: (stored, password) => verify(stored, password),
  }
}

function portable({ argon2id, hash, verify }: typeof import('argon2')): Argon2 {
  return {
    name: 'argon2',
    hash: (password, { memory, time, parallelism }) =>
      hash(password, { type: argon2id, memoryCost: memory, timeCost: time, parallelism }),
    verify: (stored, password) => verify(stored, password),
  }
}
