/** What hashes a password, beside argon2 alone. */
import { availableParallelism } from 'node:os'
import { drive, type Load, post } from '../driver.ts'
import { alternate, type Measure } from '../rounds.ts'
import type { SeededService, Stage } from '../stage.ts'
import { perSecond, type Row } from '../table.ts'
import { fastestArgon2 } from './raw.ts'

/** A log in shall cost little more than its hash. */
const GOAL = { atLeast: 0.85 } as const
const CONNECTIONS = 8
/** Behind the accounts whose tokens other rows use: of more than 50 sessions, a login revokes the oldest. */
const FIRST_ACCOUNTS = 32
/** More than any core confirms in a second. */
const TOKENS_PER_CORE_AND_SECOND = 400

export async function loginRows(stage: Stage): Promise<Row[]> {
  const { rounds, seconds } = stage.timing
  const raw = await fastestArgon2(stage, 'verify')
  const { few, verify, many } = await alternate(
    { few: logins(stage, 8), verify: raw.measure, many: logins(stage, 64) },
    // V8 compiles the code of a login after some thousand of them.
    { ...stage.timing, rounds: 2 * rounds, warmUp: 2 * rounds * seconds },
  )
  const baseline = { ...verify, name: raw.name }
  return [
    { what: 'POST /login, 8 connections', ...perSecond(few, baseline), goal: GOAL },
    { what: 'POST /login, 64 connections', ...perSecond(many, baseline), goal: GOAL },
  ]
}

export async function confirmRows(stage: Stage): Promise<Row[]> {
  const raw = await fastestArgon2(stage, 'hash')
  const { confirm, hash } = await alternate(
    { confirm: confirmations(stage), hash: raw.measure },
    stage.timing,
  )
  return [
    { what: 'POST /confirm-email, distinct tokens', ...perSecond(confirm, { ...hash, name: raw.name }) },
  ]
}

/** Logins by so many connections. */
export function logins(service: SeededService, connections: number): Measure {
  const { password } = service.seeded
  return settled(service, {
    connections,
    status: 200,
    requestsOf: connection =>
      service.accountsOf(FIRST_ACCOUNTS + connection).map(({ email }) => post('/login', { email, password })),
  })
}

function confirmations(stage: Stage): Measure {
  return async seconds => {
    const count = Math.ceil(TOKENS_PER_CORE_AND_SECOND * availableParallelism() * seconds)
    const tokens = await stage.newRegistrations(count)
    const body = () => JSON.stringify({ token: tokens.pop(), password: stage.seeded.password })
    return settled(stage, {
      connections: CONNECTIONS,
      status: 200,
      requestsOf: () => [
        { ...post('/confirm-email', {}), setupRequest: request => ({ ...request, body: body() }) },
      ],
    })(seconds)
  }
}

/** A load on the service, and then the end of all that it took on. */
function settled(seeded: SeededService, load: Omit<Load, 'url' | 'seconds'>): Measure {
  return async seconds => {
    const sample = await drive({ ...load, url: seeded.service.url, seconds })
    await seeded.settle()
    return sample
  }
}
