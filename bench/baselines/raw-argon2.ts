/**
 * A process: argon2 and nothing else. Takes orders as messages, answers each with hashes per second.
 */
import { argon2id, hash, verify } from 'argon2'
import { loadConfig } from '../../src/config.ts'

/** What to do, how many at once, for how many seconds. */
export interface Order {
  work: 'hash' | 'verify'
  concurrency: number
  seconds: number
}

const PASSWORD = 'correct horse battery staple'

const config = loadConfig({})
const parameters = {
  type: argon2id,
  memoryCost: config.ARGON2_MEMORY_KIB,
  timeCost: config.ARGON2_TIME_COST,
  parallelism: config.ARGON2_PARALLELISM,
}
const stored = await hash(PASSWORD, parameters)

process.on('message', async ({ work, concurrency, seconds }: Order) => {
  const once = work === 'hash' ? () => hash(PASSWORD, parameters) : () => verify(stored, PASSWORD)
  const deadline = performance.now() + seconds * 1000
  let done = 0
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (performance.now() < deadline) {
        await once()
        if (performance.now() <= deadline) done++
      }
    }),
  )
  process.send?.(done / seconds)
})

process.send?.('ready')
