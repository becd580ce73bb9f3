/** What writes without a hash, beside bare Fastify with one durable insert by the raw driver. */
import { v7 as uuidv7 } from 'uuid'
import { drive, post } from '../driver.ts'
import { alternate, type Measure } from '../rounds.ts'
import type { SeededService, Stage } from '../stage.ts'
import { perSecond, type Row } from '../table.ts'

const CONNECTIONS = 16

export async function writeRows(stage: Stage): Promise<Row[]> {
  const { accounts } = stage.seeded
  let next = 0
  const measured = await alternate(
    {
      known: requests(stage, connection =>
        stage.accountsOf(connection).map(({ email }) => post('/password-reset/request', { email })),
      ),
      insert: seconds =>
        drive({
          url: stage.bare.url,
          connections: CONNECTIONS,
          seconds,
          status: 202,
          requestsOf: connection =>
            stage.accountsOf(connection).map(({ email }) => post('/insert', { email })),
        }),
      unknown: requests(stage, asking('/password-reset/request', newAddress)),
      registerKnown: requests(
        stage,
        asking('/register', () => accounts[next++ % accounts.length]?.email ?? ''),
      ),
      registerUnknown: requests(stage, asking('/register', newAddress)),
      refresh: refreshes(stage),
    },
    stage.timing,
  )
  const baseline = { ...measured.insert, name: 'bare Fastify, POST with one durable insert' }
  return [
    { what: 'POST /password-reset/request, known address', ...perSecond(measured.known, baseline) },
    { what: 'POST /password-reset/request, unknown address', ...perSecond(measured.unknown, baseline) },
    { what: 'POST /register, known address', ...perSecond(measured.registerKnown, baseline) },
    { what: 'POST /register, unknown address', ...perSecond(measured.registerUnknown, baseline) },
    { what: 'POST /token/refresh', ...perSecond(measured.refresh, baseline) },
  ]
}

const newAddress = () => `${uuidv7()}@example.org`

/** Requests of a route that takes an address, each with the next one. */
function asking(path: string, nextEmail: () => string): Parameters<typeof drive>[0]['requestsOf'] {
  return () => [
    {
      ...post(path, {}),
      setupRequest: request => ({ ...request, body: JSON.stringify({ email: nextEmail() }) }),
    },
  ]
}

function requests(stage: Stage, requestsOf: Parameters<typeof drive>[0]['requestsOf']): Measure {
  return async seconds => {
    const sample = await drive({
      url: stage.service.url,
      connections: CONNECTIONS,
      seconds,
      status: 202,
      requestsOf,
    })
    await stage.settle()
    return sample
  }
}

/**
 * Each connection goes on with the token that it was answered with. The answers under way at the end of a
 * round are lost, so each round takes other sessions.
 */
export function refreshes({ service, seeded: { accounts } }: SeededService): Measure {
  let next = 0
  return seconds =>
    drive({
      url: service.url,
      connections: CONNECTIONS,
      seconds,
      status: 200,
      requestsOf: () => {
        let refreshToken = accounts[next++]?.refreshToken
        return [
          {
            ...post('/token/refresh', {}),
            setupRequest: request => ({ ...request, body: JSON.stringify({ refreshToken }) }),
            onResponse: (_status, body) => {
              refreshToken = JSON.parse(body).refreshToken
            },
          },
        ]
      },
    })
}
