/** What hashes a password, beside argon2 alone. */
import { v7 as uuidv7 } from 'uuid'
import { drive, post, type Sample } from '../driver.ts'
import { alternate, type Measure } from '../rounds.ts'
import type { Stage } from '../stage.ts'
import { perSecond, type Row } from '../table.ts'

const CONCURRENCIES = [1, 2, 4] as const
/** A log in shall cost little more than its hash. */
const LOGIN_GOAL = { atLeast: 0.9 } as const

/** @returns the rows, and how many hashes a second this machine does at most */
export async function hashingRows(stage: Stage): Promise<{ rows: Row[]; capacity: number }> {
  const raw = (work: 'hash' | 'verify') =>
    Object.fromEntries(
      CONCURRENCIES.map(concurrency => [
        `${work} ${concurrency}`,
        (seconds: number) => stage.argon2({ work, concurrency, seconds: seconds / CONCURRENCIES.length }),
      ]),
    ) as Record<string, Measure>

  const samples = await alternate<string>(
    {
      'login 8': logins(stage, 8),
      ...raw('verify'),
      'login 64': logins(stage, 64),
      'register unknown': registrations(stage, () => `${uuidv7()}@example.org`),
      ...raw('hash'),
      'register known': registrations(stage, known(stage)),
    },
    stage.timing,
  )
  const measured = (name: string) => samples[name] as Sample
  const verify = best('verify', measured)
  const hash = best('hash', measured)
  return {
    capacity: verify.rate,
    rows: [
      { what: 'POST /login, 8 connections', ...perSecond(measured('login 8'), verify), goal: LOGIN_GOAL },
      { what: 'POST /login, 64 connections', ...perSecond(measured('login 64'), verify), goal: LOGIN_GOAL },
      { what: 'POST /register, unknown address', ...perSecond(measured('register unknown'), hash) },
      { what: 'POST /register, known address', ...perSecond(measured('register known'), hash) },
    ],
  }
}

function logins(stage: Stage, connections: number): Measure {
  return async seconds => {
    const sample = await drive({
      url: stage.service.url,
      connections,
      seconds,
      status: 200,
      requestsOf: connection =>
        stage
          .accountsOf(connection)
          .map(({ email }) => post('/login', { email, password: stage.seeded.password })),
    })
    await stage.settle()
    return sample
  }
}

function registrations(stage: Stage, nextEmail: () => string): Measure {
  const body = () => JSON.stringify({ email: nextEmail(), password: stage.seeded.password })
  return async seconds => {
    const sample = await drive({
      url: stage.service.url,
      connections: 8,
      seconds,
      status: 202,
      requestsOf: () => [
        { ...post('/register', {}), setupRequest: request => ({ ...request, body: body() }) },
      ],
    })
    await stage.settle()
    return sample
  }
}

function known({ seeded: { accounts } }: Stage): () => string {
  let next = 0
  return () => accounts[next++ % accounts.length]?.email ?? ''
}

/** The concurrency that did most, by its median. */
function best(work: 'hash' | 'verify', measured: (name: string) => Sample) {
  const [winner] = CONCURRENCIES.map(concurrency => ({
    ...measured(`${work} ${concurrency}`),
    name: `raw argon2 ${work}, best at ${concurrency}`,
  })).sort((a, b) => b.rate - a.rate) as [Sample & { name: string }]
  return winner
}
