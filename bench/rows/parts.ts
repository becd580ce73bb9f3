/**
 * What one request costs each part of an instance among several: processor time of the service, of PostgreSQL
 * and of Redis, every limit on. The servers are those of TEST_POSTGRES_URL and TEST_REDIS_URL, on this machine, with
 * nobody else to serve. docs/scaling.md counts with these figures.
 */
import { randomBytes } from 'node:crypto'
import type { Request } from 'autocannon'
import { emptyDatabase, type Teardown } from '../../test/harness/database.ts'
import { emptyFolder } from '../../test/harness/process.ts'
import { drive, getAs, post } from '../driver.ts'
import { timeOfProcesses, timeOfThreads } from '../processor-time.ts'
import { alternate, type Timing } from '../rounds.ts'
import { type Account, seed } from '../seed.ts'
import { startService } from '../service.ts'
import { median } from '../statistics.ts'
import { milliseconds, type Row } from '../table.ts'

const CONNECTIONS = 4
const ACCOUNTS = 256

export async function partsRows(t: Teardown, redisUrl: string, timing: Timing): Promise<Row[]> {
  const databaseUrl = await emptyDatabase(t, 'postgresql')
  const secret = randomBytes(48).toString('base64url')
  const { accounts, password } = await seed(databaseUrl, secret, ACCOUNTS)
  const service = await startService(t, {
    databaseUrl,
    secret,
    cwd: emptyFolder(t),
    env: { RATE_LIMIT: 'on', REDIS_URL: redisUrl, TRUST_PROXY: '127.0.0.1' },
  })

  const pid = service.pid as number
  const parts: Record<string, () => number> = {
    "the service's event loop": () => timeOfThreads(pid, thread => thread === pid),
    "the service's other threads (hashes, V8)": () => timeOfThreads(pid, thread => thread !== pid),
    PostgreSQL: () => timeOfProcesses('postgres'),
    Redis: () => timeOfProcesses('redis-server'),
  }
  const loads: Record<string, (account: Account) => Request> = {
    'POST /login': ({ email }) => post('/login', { email, password }),
    'GET /me': ({ accessToken }) => getAs(accessToken, '/me'),
    'POST /password-reset/check': ({ resetToken }) => post('/password-reset/check', { token: resetToken }),
    'GET /health/live': () => ({ method: 'GET', path: '/health/live' }),
  }

  /** Milliseconds a request, of each part of each load, round by round. */
  const costs = new Map<string, number[]>()
  const contenders = Object.fromEntries(
    Object.entries(loads).map(([what, requestOf]) => [
      what,
      async (seconds: number) => {
        const before = Object.values(parts).map(used => used())
        const sample = await drive({
          url: service.url,
          connections: CONNECTIONS,
          seconds,
          status: 200,
          requestsOf: connection =>
            accounts
              .filter((_, index) => index % CONNECTIONS === connection)
              .map(account => fromAnywhere(requestOf(account))),
        })
        for (const [index, [part, used]] of Object.entries(parts).entries()) {
          const cost = (used() - (before[index] ?? 0)) / (sample.rate * seconds)
          const key = `${what}: ${part}`
          costs.set(key, [...(costs.get(key) ?? []), cost])
        }
        return sample
      },
    ]),
  )
  await alternate(contenders, timing)

  return Object.keys(loads).flatMap(what => {
    const figures = Object.keys(parts).map(part => ({
      part,
      // The first is the warm-up.
      cost: median((costs.get(`${what}: ${part}`) ?? []).slice(1)),
    }))
    const all = figures.reduce((sum, { cost }) => sum + cost, 0)
    return figures.map(({ part, cost }) => ({
      what: `${what}: processor time of ${part}, a request`,
      figure: milliseconds(cost),
      baseline: { name: 'of all parts', ...milliseconds(all) },
    }))
  })
}

let requests = 0

/** From another network each time, as a proxy in front would say: no limit is met, and every one is counted. */
function fromAnywhere(request: Request): Request {
  return {
    ...request,
    setupRequest: prepared => {
      const number = requests++
      const address = [10, (number >> 16) & 255, (number >> 8) & 255, number & 255].join('.')
      return { ...prepared, headers: { ...prepared.headers, 'x-forwarded-for': address } }
    },
  }
}
