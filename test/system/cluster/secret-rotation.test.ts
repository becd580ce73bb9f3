/** The rotation of docs/deploy.md under load, with a back end that caches the keys as long as it may. */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { createRemoteJWKSet, customFetch, jwtVerify } from 'jose'
import t, { type Test } from 'tap'
import { freshDatabase, provider } from '../../harness/database.ts'
import { type ServiceProcess, serviceEnvironment, startProcess } from '../../harness/process.ts'
import { ready } from './cluster.ts'

const APP_URL = 'https://accounts.example.org'
const old = randomBytes(48).toString('base64')
const next = randomBytes(48).toString('base64')
const password = 'correct horse battery staple'
const PEOPLE = 4
/** Stands for the 15 minutes of docs/deploy.md and for the lifetime of the back end's cache; milliseconds. */
const CACHED_MS = 2000

const STEPS = [
  { JWT_SECRET: old, JWT_SECRET_PREVIOUS: next },
  { JWT_SECRET: next, JWT_SECRET_PREVIOUS: old },
  { JWT_SECRET: next },
]

const noSecondInstance = provider === 'sqlite' && 'two instances need PostgreSQL'

/** Two instances that are replaced one after the other; requests go to those that are running. */
async function startPair(t: Test) {
  const databaseUrl = await freshDatabase(t)
  const start = async (secrets: Record<string, string>) => {
    const env = {
      DATABASE_URL: `${databaseUrl}?connection_limit=4`,
      EMAIL_CONFIRMATION: 'off',
      APP_URL,
      ...secrets,
    }
    const service = startProcess(t, { env: serviceEnvironment(env) })
    await ready({ service })
    return { service, base: await service.listening() }
  }
  const up: { service: ServiceProcess; base: string }[] = []
  for (let i = 0; i < 2; i++) up.push(await start({ JWT_SECRET: old }))
  let turn = 0
  return {
    fetch: (path: string, init: RequestInit = {}) =>
      fetch(`${up[turn++ % up.length]?.base}${path}`, { ...init, signal: AbortSignal.timeout(10_000) }),
    async restart(secrets: Record<string, string>) {
      for (let i = 0; i < 2; i++) {
        const retired = up.shift()
        // Requests in flight are answered before the listener closes.
        await delay(200)
        await retired?.service.end('SIGINT')
        up.push(await start(secrets))
      }
    },
  }
}

t.test(
  'a rotation under load refuses no token, in the service or in a back end',
  { skip: noSecondInstance },
  async t => {
    const pair = await startPair(t)
    const post = async (path: string, body: object) => {
      const response = await pair.fetch(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      return { status: response.status, body: (await response.json()) as Record<string, string> }
    }
    const keys = createRemoteJWKSet(new URL(`${APP_URL}/.well-known/jwks.json`), {
      cacheMaxAge: CACHED_MS,
      // The back end fetches no unknown key in between, so a key must be published before it signs.
      cooldownDuration: 600_000,
      [customFetch]: url => pair.fetch(new URL(url).pathname),
    })
    const faults: string[] = []
    const kids = new Set<unknown>()
    let verified = 0
    let stopped = false
    async function live(number: number) {
      const email = `person-${number}@example.org`
      await post('/register', { email, password })
      let { body } = await post('/login', { email, password })
      while (!stopped) {
        const headers = { authorization: `Bearer ${body['accessToken']}` }
        const me = await pair.fetch('/me', { headers })
        if (me.status !== 200) faults.push(`GET /me: ${me.status}`)
        const options = { issuer: APP_URL, audience: APP_URL, typ: 'at+jwt', algorithms: ['ES256'] }
        await jwtVerify(body['accessToken'] ?? '', keys, options).then(
          ({ protectedHeader }) => verified++ && kids.add(protectedHeader.kid),
          error => faults.push(`verifier: ${error.code}`),
        )
        const refreshed = await post('/token/refresh', { refreshToken: body['refreshToken'] })
        if (refreshed.status !== 200) faults.push(`refresh: ${refreshed.status}`)
        else body = refreshed.body
        await delay(20)
      }
    }
    const people = Array.from({ length: PEOPLE }, (_, number) => live(number))
    for (const secrets of STEPS) {
      await pair.restart(secrets)
      await delay(CACHED_MS + 500)
    }
    stopped = true
    await Promise.all(people)
    t.strictSame(faults, [])
    t.equal(kids.size, 2, 'tokens of both secrets were verified')
    t.ok(verified > 100, `${verified} tokens`)
  },
)
