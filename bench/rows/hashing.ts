/** What hashes a password, beside argon2 alone. */
import { availableParallelism } from 'node:os'
import { drive, type Load, post, type Sample } from '../driver.ts'
import { alternate, type Measure } from '../rounds.ts'
import type { SeededService, Stage } from '../stage.ts'
import { perSecond, type Row } from '../table.ts'
import { bestOf, rawArgon2 } from './raw.ts'

/** A log in shall cost little more than its hash. */
const GOAL = { atLeast: 0.9 } as const
const CONNECTIONS = 8
/** More than any core confirms in a second. */
const TOKENS_PER_CORE_AND_SECOND = 400

export async function loginRows(stage: Stage): Promise<Row[]> {
  const measured = await alternate<string>(
    { few: logins(stage, 8), ...rawArgon2(stage, 'verify'), many: logins(stage, 64) },
    stage.timing,
  )
  const verify = bestOf(measured)
  return [
    { what: 'POST /login, 8 connections', ...perSecond(measured['few'] as Sample, verify), goal: GOAL },
    { what: 'POST /login, 64 connections', ...perSecond(measured['many'] as Sample, verify), goal: GOAL },
  ]
}

export async function confirmRows(stage: Stage): Promise<Row[]> {
  const measured = await alternate<string>(
    { confirm: confirmations(stage), ...rawArgon2(stage, 'hash') },
    stage.timing,
  )
  const { confirm } = measured as { confirm: Sample }
  return [{ what: 'POST /confirm-email, distinct tokens', ...perSecond(confirm, bestOf(measured)) }]
}

/** Logins by so many connections. */
export function logins(service: SeededService, connections: number): Measure {
  const { password } = service.seeded
  return settled(service, {
    connections,
    status: 200,
    requestsOf: connection =>
      service.accountsOf(connection).map(({ email }) => post('/login', { email, password })),
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
