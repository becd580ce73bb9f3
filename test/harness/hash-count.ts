/** Counts the argon2 hashes that this process really computes, whoever asks for them. */
import { createHook } from 'node:async_hooks'
import type { Teardown } from './database.ts'

/** The name that the native part of `argon2` gives to a job on libuv's pool; hash and verify alike. */
const JOB = 'argon2:HashWorker'

/**
 * Starts to count; ends with the test.
 *
 * @returns the number of hashes begun so far
 */
export function countHashes(t: Teardown): () => number {
  let begun = 0
  const hook = createHook({
    init(_id, type) {
      if (type === JOB) begun++
    },
  }).enable()
  t.teardown(() => hook.disable())
  return () => begun
}
