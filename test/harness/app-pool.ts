/**
 * Apps of the same settings serve one test after the other: emptying a database costs less than a tenth of a new app. A test
 * cannot tell: it gets no rows, no mails and no log lines but its own.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { TestApp } from './app.ts'
import type { Teardown } from './database.ts'
import { openRows, type Rows } from './rows.ts'

/** How long the mail worker may take with the mails of the test before; milliseconds. */
const PATIENCE = 2000

export type Clock = () => Date

/** What tests replace to see or to break something. */
const REPLACEABLE = ['database', 'mail', 'passwords', 'tokens'] as const

/** An app that waits for its next test. */
export interface PooledApp extends TestApp {
  settings: string
  rows: Rows
  /** What `app.clock` asks. */
  setClock(clock: Clock | undefined): void
  close(): Promise<void>
  /** The functions that the app was built with. */
  functions: unknown[]
}

/** A process of tests holds so many at most, since each holds connections of PostgreSQL. */
const MOST_IDLE = 4

/** The longest idle first. */
const idle: PooledApp[] = []

/** Resources that outlive the test that made them. */
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

/** The test whose end is the end of the process. */
function rootOf(t: Teardown & { parent?: Teardown | undefined }): Teardown {
  return t.parent ? rootOf(t.parent) : t
}

/**
 * An app for one test, which goes back into the pool at the test's end.
 *
 * @param settings apps with the same text are interchangeable
 * @param build makes a new one, where none waits; what it needs ends with `owner`
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
    if (idle.length > MOST_IDLE) await idle.shift()?.close()
  })
  const { app: instance, smtp, databaseUrl, log, env } = app
  return { app: instance, smtp, databaseUrl, log, env }
}

async function newApp(
  t: Teardown,
  settings: string,
  build: (owner: Teardown, clock: Clock) => Promise<TestApp>,
): Promise<PooledApp> {
  const { owner, close } = resources()
  // Before the app is built, which may fail.
  rootOf(t).teardown(close)
  let current: Clock | undefined
  const made = await build(owner, () => current?.() ?? new Date())
  const rows = await openRows(owner, made.databaseUrl)
  return {
    ...made,
    settings,
    rows,
    setClock: clock => {
      current = clock
    },
    close,
    functions: functionsOf(made.app),
  }
}

/** The functions of the app's parts, and of the parts of these. */
function functionsOf(app: TestApp['app']): unknown[] {
  const parts: Record<string, unknown> = { ...app }
  const found = REPLACEABLE.flatMap(name => Object.values(parts[name] ?? {}))
  const nested = found.filter(value => typeof value === 'object' && value !== null)
  return [...found, ...nested.flatMap(value => Object.values(value))].filter(
    value => typeof value === 'function',
  )
}

/** Removes what a test left, unless it left more than rows, mails and log lines. */
async function isEmptied({ app, smtp, rows, log, setClock, functions }: PooledApp): Promise<boolean> {
  if (app.isDraining() || app.server.listening || !smtp.isRunning()) return false
  const present = functionsOf(app)
  if (present.length !== functions.length || present.some((value, at) => value !== functions[at]))
    return false
  const { outbox } = rows.client
  const deadline = performance.now() + PATIENCE
  // A row in hand may still become a mail.
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
