/** Whether a question costs more where there are more accounts. */
import { v7 as uuidv7 } from 'uuid'
import { openDatabase, type Provider } from '../../src/database/index.ts'
import { outbox } from '../../src/database/queries/outbox.ts'
import { sessions } from '../../src/database/queries/sessions.ts'
import { users } from '../../src/database/queries/users.ts'
import type { Teardown } from '../../test/harness/database.ts'
import { SESSIONS, seedGrowth, sessionOf, userOf } from '../seed-growth.ts'
import { median } from '../statistics.ts'
import { microseconds, type Row } from '../table.ts'

const SIZES = [1000, 100_000, 1_000_000]
const QUICK_SIZES = [1000, 20_000]
/** How much more the same may cost at the largest size than at the smallest. */
const GOAL = { atMost: 1.3 } as const
const ROUNDS = 7
const RUNS = 150

/** @param newDatabase the URL of a migrated database without rows */
export async function growthRows(
  t: Teardown,
  provider: Provider,
  newDatabase: () => Promise<string>,
  { quick, progress }: { quick: boolean; progress: (message: string) => void },
): Promise<Row[]> {
  const sizes = quick ? QUICK_SIZES : SIZES
  const stages = []
  for (const size of sizes) {
    progress(`${provider}: seeding ${size} accounts`)
    const url = await newDatabase()
    await seedGrowth(url, provider, size)
    stages.push(await stageOf(t, provider, url, size))
  }
  const names = Object.keys(stages[0]?.work ?? {}) as Work[]
  const medians = new Map(stages.map(({ size }) => [size, new Map<Work, number[]>()]))
  // The first round warms up. In turn, so that whatever else the machine does meets all sizes.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const { size, work } of stages) {
      for (const name of names) {
        const time = await medianTime(work[name])
        const times = medians.get(size)
        if (round > 0) times?.set(name, [...(times.get(name) ?? []), time])
      }
    }
  }
  const [smallest = 0, ...larger] = sizes
  const figure = (size: number, name: Work) => microseconds(median(medians.get(size)?.get(name) ?? []))
  return names.flatMap(name =>
    larger.map(size => ({
      what: `${TITLES[name]}, ${size.toLocaleString('en')} accounts`,
      figure: figure(size, name),
      baseline: { name: `the same, ${smallest.toLocaleString('en')} accounts`, ...figure(smallest, name) },
      goal: GOAL,
    })),
  )
}

const TITLES = {
  me: "GET /me's database work, median",
  login: "POST /login's database work, median",
  claim: 'the claim of a mail among 100,000 dead ones, median',
}
type Work = keyof typeof TITLES

/** Without waiting for the disk, which takes longer than all else, varies, and knows nothing of rows. */
async function stageOf(t: Teardown, provider: Provider, databaseUrl: string, size: number) {
  const lazy = `${databaseUrl}?options=${encodeURIComponent('-c synchronous_commit=off')}`
  const { client, statements, close } = await openDatabase(provider === 'sqlite' ? databaseUrl : lazy)
  t.teardown(close)
  if (provider === 'sqlite') await client.$executeRawUnsafe('PRAGMA synchronous = OFF')
  const queries = {
    users: users(client, statements),
    sessions: sessions(client, statements),
    outbox: outbox(statements),
  }
  const origin = { ip: '127.0.0.1', device: 'autocannon', requestId: uuidv7() }
  const anybody = () => Math.floor(Math.random() * size)
  const work: Record<Work, () => Promise<() => Promise<unknown>>> = {
    async me() {
      const user = anybody()
      const id = sessionOf(user * SESSIONS)
      return () => queries.users.findBearer({ id, userId: userOf(user) }, new Date())
    },
    async login() {
      const email = `person-${anybody()}@example.org`
      return async () => {
        const now = new Date()
        const { userId, passwordHash } = await queries.users.credentialsFor(email, '127.0.0.1')
        if (userId === null || passwordHash === null) throw new Error(email)
        const session = { id: uuidv7(), refreshHash: 'x', createdAt: now, refreshedAt: now, expiresAt: now }
        const account = { id: userId, email, passwordHash }
        if (!(await queries.sessions.open(account, session, origin))) throw new Error(email)
      }
    },
    async claim() {
      const now = new Date()
      await queries.outbox.enqueue({ kind: 'farewell', recipient: 'a@example.org' }, now)
      return async () => {
        const claimed = await queries.outbox.claim(5, now, new Date(now.getTime() + 60_000_000))
        if (claimed.length !== 1) throw new Error(`claimed ${claimed.length}`)
      }
    },
  }
  return { size, work }
}

/** Microseconds of what is returned, the preparation not counted. */
async function medianTime(prepare: () => Promise<() => Promise<unknown>>): Promise<number> {
  const times: number[] = []
  for (let run = 0; run < RUNS; run++) {
    const work = await prepare()
    const began = performance.now()
    await work()
    times.push((performance.now() - began) * 1000)
  }
  return median(times)
}
