// Tests with the same settings share apps: emptying a database costs less than a tenth of a new app. A test
// sees only its own rows, emails and log lines.
import { setTimeout as delay } from 'node:timers/promises'
import type { TestApp } from './app.ts'
import type { Teardown } from './database.ts'

/** Milliseconds to wait for emails of the previous test. */
const MAX_WAIT_MS = 2000

export type Clock = () => Date

/** Parts that tests may replace. Such an app is not used again. */
const REPLACEABLE = ['database', 'mail', 'passwords', 'tokens'] as const

export interface PooledApp extends TestApp {
  settings: string
  /** The clock that `app.clock` reads. */
  setClock(clock: Clock | undefined): void
  close(): Promise<void>
  /** The original functions of the app. */
  functions: unknown[]
}

/** Each idle app holds connections of PostgreSQL. */
const MAX_IDLE = 4

/** Longest idle first. */
const idle: PooledApp[] = []

function resources() {
  const handlers: (() => unknown)[] = []
  const owner: Teardown = { teardown: handler => handlers.unshift(handler) }
  return {
    owner,
    async close() {
      for (const handler of handlers.splice(0)) await handler()
    },
  }
}

/** The root test, which ends with the process. */
function rootOf(t: Teardown & { parent?: Teardown | undefined }): Teardown {
  return t.parent ? rootOf(t.parent) : t
}

/**
 * Returns an app for one test, and takes it back when the test ends.
 *
 * @param settings apps with equal settings are interchangeable
 * @param build creates a new app; its resources end with `owner`
 */
export async function pooledApp(
  t: Teardown,
  settings: string,
  clock: Clock | undefined,
  build: (owner: Teardown, clock: Clock) => Promise<TestApp>,
): Promise<TestApp> {
  const waiting = idle.findIndex(app => app.settings === settings)
  const app = idle.splice(waiting, waiting < 0 ? 0 : 1)[0] ?? (await newApp(t, settings, build))
  app.setClock(clock)
  t.teardown(async () => {
    if (await isEmptied(app).catch(() => false)) idle.push(app)
    else await app.close()
    if (idle.length > MAX_IDLE) await idle.shift()?.close()
  })
  const { app: instance, smtp, databaseUrl, rows, log, env } = app
  return { app: instance, smtp, databaseUrl, rows, log, env }
}

async function newApp(
  t: Teardown,
  settings: string,
  build: (owner: Teardown, clock: Clock) => Promise<TestApp>,
): Promise<PooledApp> {
  const { owner, close } = resources()
  // Before building, which may fail.
  rootOf(t).teardown(close)
  let current: Clock | undefined
  const made = await build(owner, () => current?.() ?? new Date())
  return {
    ...made,
    settings,
    setClock: clock => {
      current = clock
    },
    close,
    functions: functionsOf(made.app),
  }
}

function functionsOf(app: TestApp['app']): unknown[] {
  const parts: Record<string, unknown> = { ...app }
  const found = REPLACEABLE.flatMap(name => Object.values(parts[name] ?? {}))
  const nested = found.filter(value => typeof value === 'object' && value !== null)
  return [...found, ...nested.flatMap(value => Object.values(value))].filter(
    value => typeof value === 'function',
  )
}

/** Empties the app. Returns false if the test changed more than rows, emails and log lines. */
async function isEmptied({ app, smtp, rows, log, setClock, functions }: PooledApp): Promise<boolean> {
  if (app.isDraining() || app.server.listening || !smtp.isRunning()) return false
  const present = functionsOf(app)
  if (present.length !== functions.length || present.some((value, at) => value !== functions[at]))
    return false
  const { outbox } = rows.client
  const deadline = performance.now() + MAX_WAIT_MS
  // A claimed row may still be sent.
  await outbox.deleteMany({ where: { leasedUntil: null } })
  while ((await outbox.count({ where: { state: 'queued' } })) > 0) {
    if (performance.now() > deadline) return false
    await delay(5)
  }
  await rows.empty()
  setClock(undefined)
  smtp.mails.length = 0
  smtp.logins.length = 0
  log.length = 0
  return true
}
