// The service as tests use it: the real app, database and SMTP server, with cheap hashes and without rate
// limits.
import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { buildApp, type Overrides } from '../../src/app.ts'
import { loadConfig } from '../../src/config/config.ts'
import { pooledApp } from './app-pool.ts'
import { freshDatabase, type Teardown } from './database.ts'
import { openRows, type Rows } from './rows.ts'
import { type ReceivedMail, type SmtpServer, startSmtpServer } from './smtp.ts'

export interface TestAppOptions {
  /** Variables in addition to those of tests. */
  env?: Record<string, string>
  /** A shared database; a new one by default. */
  databaseUrl?: string
  /** A shared mail server, or its options; a plain one by default. */
  smtp?: SmtpServer
  overrides?: Overrides
}

export interface TestApp {
  app: FastifyInstance
  smtp: SmtpServer
  databaseUrl: string
  /** The database, past the app; still open when the app is closed. */
  rows: Rows
  /** Parsed log lines, at the lowest level. */
  log: Record<string, unknown>[]
  /** Environment of the app. */
  env: Record<string, string>
}

export const testEnvironment = {
  NODE_ENV: 'test',
  LOG_LEVEL: 'trace',
  JWT_SECRET: randomBytes(32).toString('base64url'),
  RATE_LIMIT: 'off',
  MAIL_BACKEND: 'smtp',
  MAIL_DEFAULT_SENDER: 'latchkey <no-reply@latchkey.test>',
  ARGON2_MEMORY_KIB: '64',
  ARGON2_TIME_COST: '1',
}

/**
 * Returns an app on an empty database. It is a new one if the test has overrides other than a clock, or
 * limits in memory.
 */
export async function startApp(t: Teardown, options: TestAppOptions = {}): Promise<TestApp> {
  const { env = {}, databaseUrl, smtp, overrides: { clock, ...overrides } = {} } = options
  const isPlain = databaseUrl === undefined && smtp === undefined && Object.keys(overrides).length === 0
  const counts = env['RATE_LIMIT'] !== undefined || env['REDIS_URL'] !== undefined
  if (!isPlain || counts) return buildTestApp(t, options)
  const settings = JSON.stringify([env, clock !== undefined])
  return pooledApp(t, settings, clock, (owner, clock) => buildTestApp(owner, { env, overrides: { clock } }))
}

async function buildTestApp(t: Teardown, options: TestAppOptions): Promise<TestApp> {
  const smtp = options.smtp ?? (await startSmtpServer(t))
  const databaseUrl = options.databaseUrl ?? (await freshDatabase(t))
  const env = {
    ...testEnvironment,
    DATABASE_URL: databaseUrl,
    MAIL_SERVER: smtp.host,
    MAIL_PORT: String(smtp.port),
    ...options.env,
  }
  const rows = await openRows(t, databaseUrl)
  const log: Record<string, unknown>[] = []
  const app = await buildApp(loadConfig(env), {
    logStream: { write: line => void log.push(JSON.parse(line)) },
    ...options.overrides,
    // A thread per app would cost more than the apps.
    mail: { thread: false, ...options.overrides?.mail },
  })
  t.teardown(() => app.close())
  await app.ready()
  return { app, smtp, databaseUrl, rows, log, env }
}

/** The token in the link of an email. */
export function tokenIn(mail: ReceivedMail | undefined): string {
  const token = /#token=(\S+)/.exec(mail?.text ?? '')?.[1]
  if (token === undefined) throw new Error(`no token in the mail: ${mail?.subject}`)
  return token
}

/** The header with an access token, or with that of a session or account. */
export function bearer(of: string | { accessToken: string }): { authorization: string } {
  return { authorization: `Bearer ${typeof of === 'string' ? of : of.accessToken}` }
}

/** Sends a POST request; a text as payload needs its own content type. */
export function post(
  app: FastifyInstance,
  url: string,
  payload: object | string,
  headers: Record<string, string> = {},
) {
  return app.inject({ method: 'POST', url, payload, headers })
}

/** A clock that tests move. */
export function testClock(start = new Date()) {
  let now = start.getTime()
  return {
    clock: () => new Date(now),
    advance(seconds: number) {
      now += seconds * 1000
    },
  }
}

export interface Account {
  email: string
  password: string
  /** The token pair of the confirmation. */
  accessToken: string
  refreshToken: string
}

let made = 0

/** Registers and confirms an account through the API. */
export async function confirmedAccount(
  { app, smtp }: Pick<TestApp, 'app' | 'smtp'>,
  email = `person-${++made}@example.org`,
  password = 'correct horse battery staple',
): Promise<Account> {
  const before = smtp.mails.length
  const registered = await app.inject({ method: 'POST', url: '/register', payload: { email } })
  if (registered.statusCode !== 202) throw new Error(`registering failed: ${registered.body}`)
  const mail = await smtp.waitForMail(email, /./, before)
  const confirmed = await app.inject({
    method: 'POST',
    url: '/confirm-email',
    payload: { token: tokenIn(mail), password },
  })
  if (confirmed.statusCode !== 200) throw new Error(`confirming failed: ${confirmed.body}`)
  return { email, password, ...confirmed.json() }
}

/** Requests a reset through the API and returns the token of the email. */
export async function resetToken(
  { app, smtp }: Pick<TestApp, 'app' | 'smtp'>,
  email: string,
): Promise<string> {
  const before = smtp.mails.length
  await app.inject({ method: 'POST', url: '/password-reset/request', payload: { email } })
  return tokenIn(await smtp.waitForMail(email, /reset/i, before))
}
