/**
 * argon2id by one of two libraries with the same PHC strings. `@node-rs/argon2` picks AVX2 at run time and computes
 * about twice as many hashes a second on x86-64. `argon2` is used on platforms for which the other has no binary. Both
 * hash on libuv's thread pool (napi-rs runs an `AsyncTask` there too), whose size start.cts sets.
 */

/** Cost parameters of a hash. */
export interface Cost {
  /** KiB. */
  memory: number
  /** Passes. */
  time: number
  /** Lanes. */
  parallelism: number
}

export interface Argon2 {
  /** The package that hashes. */
  name: '@node-rs/argon2' | 'argon2'
  /** Returns a PHC string with 16 bytes of salt and 32 bytes of hash. */
  hash(password: string, cost: Cost): Promise<string>
  /** @throws Error if the stored hash is malformed; check it with `isAffordable` (stored-hash.ts) first */
  verify(stored: string, password: string): Promise<boolean>
}

/** Loads the faster package, which is optional. */
export type LoadFast = () => Promise<typeof import('@node-rs/argon2')>

/**
 * Loads the fastest library that is installed.
 *
 * @param loadFast replaced by tests, because a process cannot unload a package
 */
export async function loadArgon2(loadFast: LoadFast = () => import('@node-rs/argon2')): Promise<Argon2> {
  const fast = await loadFast().catch(() => undefined)
  return fast === undefined ? portable(await import('argon2')) : nodeRs(fast)
}

/** Its defaults are argon2id, version 19 and the lengths above. Its enums exist only as types. */
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
