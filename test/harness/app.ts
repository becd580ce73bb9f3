/**
 * The service as tests meet it: the real app on a real database with a real SMTP server, cheap hashes,
 * and no limits unless a test turns them on.
 */
import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { buildApp, type Overrides } from '../../src/app.ts'
import { loadConfig } from '../../src/config/config.ts'
import { pooledApp } from './app-pool.ts'
import { freshDatabase, type Teardown } from './database.ts'
import { type ReceivedMail, type SmtpServer, startSmtpServer } from './smtp.ts'

export interface TestAppOptions {
  /** Environment variables on top of the tests' own. */
  env?: Record<string, string>
  /** A database that several apps share; a fresh one by default. */
  databaseUrl?: string
  /** A mail server that several apps share, or one with options; a plain one by default. */
  smtp?: SmtpServer
  overrides?: Overrides
}

export interface TestApp {
  app: FastifyInstance
  smtp: SmtpServer
  databaseUrl: string
  /** Every log line so far, parsed; the log is at its most verbose. */
  log: Record<string, unknown>[]
  /** The environment it was built from. */
  env: Record<string, string>
}

/** The environment of tests, without database and mail server. */
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
 * The app for one test, on a database without rows. It is a new one only where the test brings more than environment
 * variables and a clock, or counts in memory would tell it of the test before.
 */
export async function startApp(t: Teardown, options: TestAppOptions = {}): Promise<TestApp> {
  const { env = {}, databaseUrl, smtp, overrides: { clock, ...overrides } = {} } = options
  const isPlain = databaseUrl === undefined && smtp === undefined && Object.keys(overrides).length === 0
  const counts = env['RATE_LIMIT'] !== undefined || env['REDIS_URL'] !== undefined
  if (!isPlain || counts) return buildTestApp(t, options)
  const settings = JSON.stringify([env, clock !== undefined])
  return pooledApp(t, settings, clock, (owner, clock) => buildTestApp(owner, { env, overrides: { clock } }))
}

/** Builds the app; it closes when the test ends. */
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
  const log: Record<string, unknown>[] = []
  const app = await buildApp(loadConfig(env), {
    logStream: { write: line => void log.push(JSON.parse(line)) },
    ...options.overrides,
    // A thread for each app would cost the gate more than the apps.
    mail: { thread: false, ...options.overrides?.mail },
  })
  t.teardown(() => app.close())
  await app.ready()
  return { app, smtp, databaseUrl, log, env }
}

/** The token in the link of a mail. */
export function tokenIn(mail: ReceivedMail | undefined): string {
  const token = /#token=(\S+)/.exec(mail?.text ?? '')?.[1]
  if (token === undefined) throw new Error(`no token in the mail: ${mail?.subject}`)
  return token
}

/** A moving clock, for everything that depends on the time. */
export function testClock(start = new Date()) {
  let now = start.getTime()
  return {
    clock: () => new Date(now),
    /** Moves on by so many seconds. */
    advance(seconds: number) {
      now += seconds * 1000
    },
  }
}

export interface Account {
  email: string
  password: string
  /** The pair that confirming answered with. */
  accessToken: string
  refreshToken: string
}

let made = 0

/** An account that was registered and confirmed through the API. */
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

/** The token of a reset link that is asked for and read through the API and the mail server. */
export async function resetToken(
  { app, smtp }: Pick<TestApp, 'app' | 'smtp'>,
  email: string,
): Promise<string> {
  const before = smtp.mails.length
  await app.inject({ method: 'POST', url: '/password-reset/request', payload: { email } })
  return tokenIn(await smtp.waitForMail(email, /reset/i, before))
}
