/**
 * A process: argon2 and nothing else, by both libraries. Takes orders as messages, answers each with hashes
 * per second.
 */
import { loadConfig } from '../../src/config/config.ts'
import { type Argon2, loadArgon2 } from '../../src/passwords/argon2.ts'

/** What to do with which library, how many at once, for how many seconds. */
export interface Order {
  library: Argon2['name']
  work: 'hash' | 'verify'
  concurrency: number
  seconds: number
}

const PASSWORD = 'correct horse battery staple'

const config = loadConfig({})
const cost = {
  memory: config.ARGON2_MEMORY_KIB,
  time: config.ARGON2_TIME_COST,
  parallelism: config.ARGON2_PARALLELISM,
}
const slow = await loadArgon2(() => Promise.reject(new Error('the other one')))
const libraries = new Map([slow, await loadArgon2()].map(library => [library.name, library]))
const stored = await slow.hash(PASSWORD, cost)

process.on('message', async ({ library, work, concurrency, seconds }: Order) => {
  const { hash, verify } = libraries.get(library) as Argon2
  const once = work === 'hash' ? () => hash(PASSWORD, cost) : () => verify(stored, PASSWORD)
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

process.send?.([...libraries.keys()])
