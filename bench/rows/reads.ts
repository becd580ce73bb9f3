/** What reads, beside bare Fastify. */
import type { Request } from 'autocannon'
import { drive, getAs, post, postFormAs } from '../driver.ts'
import { alternate, type Measure } from '../rounds.ts'
import type { Account } from '../seed.ts'
import type { Stage } from '../stage.ts'
import { perSecond, type Row } from '../table.ts'

const CONNECTIONS = 16
/** On PostgreSQL each request is a round trip. */
const ME_GOAL = { sqlite: 0.45, postgresql: 0.35 } as const

export async function readRows(stage: Stage): Promise<Row[]> {
  const { service, bare } = stage
  const load =
    (url: string, request: (account: Account) => Request): Measure =>
    seconds =>
      drive({
        url,
        connections: CONNECTIONS,
        seconds,
        status: 200,
        requestsOf: connection => stage.accountsOf(connection).map(request),
      })
  const me = ({ accessToken }: Account) => getAs(accessToken, '/me')

  const measured = await alternate(
    {
      me: load(service.url, me),
      shared: load(service.url, ({ sharedKeyToken }) => getAs(sharedKeyToken, '/me')),
      cold: seconds =>
        drive({
          url: service.url,
          connections: CONNECTIONS,
          seconds,
          status: 200,
          requestsOf: connection =>
            stage
              .accountsOf(connection)
              .flatMap(({ coldTokens }) => coldTokens.map(token => getAs(token, '/me'))),
        }),
      bareMe: load(bare.url, ({ sharedKeyToken }) => getAs(sharedKeyToken, '/me')),
      introspect: load(stage.operators.url, ({ accessToken }) =>
        postFormAs(stage.operators.key, '/introspect', { token: accessToken }),
      ),
      check: load(service.url, ({ resetToken }) => post('/password-reset/check', { token: resetToken })),
      live: load(service.url, () => ({ method: 'GET', path: '/health/live' })),
      bareLive: load(bare.url, () => ({ method: 'GET', path: '/live' })),
    },
    stage.timing,
  )
  const jwt = { ...measured.bareMe, name: 'bare Fastify, GET that verifies a JWT of HS256' }
  const hs256 = { ...measured.shared, name: 'GET /me, token of HS256' }
  const get = { ...measured.bareLive, name: 'bare Fastify, GET' }
  return [
    {
      what: 'GET /me',
      ...perSecond(measured.me, jwt),
      goal: { atLeast: ME_GOAL[stage.provider] },
    },
    {
      what: 'GET /me, token of ES256 that repeats',
      ...perSecond(measured.me, hs256),
      goal: { atLeast: 0.95 },
    },
    { what: 'GET /me, token of ES256 that is new', ...perSecond(measured.cold, hs256) },
    {
      what: 'POST /introspect',
      ...perSecond(measured.introspect, { ...measured.me, name: 'GET /me' }),
      goal: { atLeast: 0.8 },
    },
    { what: 'POST /password-reset/check', ...perSecond(measured.check, jwt) },
    { what: 'GET /health/live', ...perSecond(measured.live, get) },
  ]
}
