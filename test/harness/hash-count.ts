// Counts the argon2 hashes that this process computes.
import { createHook } from 'node:async_hooks'
import type { Teardown } from './database.ts'

// Names of libuv jobs that hash or verify: `argon2` sets its own, `@node-rs/argon2` (napi-rs 3) none, which
// Node reports as "undefined".
const JOBS = new Set(['argon2:HashWorker', 'undefined'])

/** Starts counting. Returns a function that returns the number of hashes so far. */
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
