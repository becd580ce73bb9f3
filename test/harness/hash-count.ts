/** Counts the argon2 hashes that this process really computes, whoever asks for them. */
import { createHook } from 'node:async_hooks'
import type { Teardown } from './database.ts'

/**
 * The names that jobs on libuv's pool have, hash and verify alike: `argon2` gives its own, `@node-rs/argon2`
 * (napi-rs 3) says nothing, and Node writes it as this word. Nothing else here does.
 */
const JOBS = new Set(['argon2:HashWorker', 'undefined'])

/**
 * Starts to count; ends with the test.
 *
 * @returns the number of hashes begun so far
 */
export function countHashes(t: Teardown): () => number {
  let begun = 0
  const hook = createHook({
    init(_id, type) {
      if (JOBS.has(type)) begun++
    },
  }).enable()
  t.teardown(() => hook.disable())
  return () => begun
}
