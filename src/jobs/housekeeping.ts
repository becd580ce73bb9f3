/**
 * Removes what has run out: sessions, registrations, tries at codes, finished mails, old events.
 *
 * Of many instances one works at a time, under a lease. It removes a few rows at a time, so that no
 * statement holds up a request for long, and rests in between.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { v7 as uuidv7 } from 'uuid'
import type { Config } from '../config/config.ts'
import type { Database } from '../database/index.ts'
import { outageOf } from '../database/outage.ts'
import type { ExpiredKind } from '../database/queries/attempts.ts'

const HOUR_MS = 3_600_000
/** Rows of one statement: some milliseconds on SQLite, which has one writer. */
const BATCH = 500
/** Between two statements; milliseconds. */
const REST = 50
/** Renewed when half of it is over, between two statements; seconds. */
const LEASE = 60

export interface HousekeepingOptions {
  /** Milliseconds from one sweep to the next, on average; for tests that cannot wait. */
  interval?: number
  /** Milliseconds between two statements; for tests that cannot wait. */
  rest?: number
}

/** What the housekeeper needs of the service. */
interface Needs {
  config: Config
  clock: () => Date
  database: Pick<Database, 'expired' | 'outage'>
  log: FastifyBaseLogger
}

/** Sweeps when told to. */
export interface Housekeeper {
  /**
   * Removes all that has run out.
   *
   * @returns how many rows went; undefined where another instance is at it
   */
  sweep(): Promise<number | undefined>
  /** Lets the statement under way be the last. */
  stop(): void
}

export function housekeeper(app: Needs, { rest = REST }: HousekeepingOptions = {}): Housekeeper {
  const { expired } = app.database
  const holder = uuidv7()
  let stopped = false

  /** By the time that passes, which nobody can set. */
  let renewAt = 0
  const after = (seconds: number) => new Date(app.clock().getTime() + seconds * 1000)

  function hold(): Promise<boolean> {
    renewAt = performance.now() + (LEASE / 2) * 1000
    return expired.hold(holder, app.clock(), after(LEASE))
  }

  const stillHolds = async () => performance.now() < renewAt || hold()

  async function sweep() {
    try {
      if (!(await hold())) return undefined
    } catch (error) {
      return void logFailure(error)
    }
    let removed = 0
    try {
      for (const [kind, before] of Object.entries(dates(app)) as [ExpiredKind, Date][]) {
        removed += await removeAll(kind, before)
      }
    } finally {
      await expired.release(holder).catch(logFailure)
    }
    return removed
  }

  /** What fails is left for the next sweep, and the others have their turn. */
  async function removeAll(kind: ExpiredKind, before: Date): Promise<number> {
    let removed = 0
    try {
      for (let count = BATCH; count === BATCH && !stopped; removed += count) {
        if (removed > 0) await delay(rest)
        if (!(await stillHolds())) break
        count = await expired.remove(kind, before, BATCH)
      }
    } catch (error) {
      logFailure(error, kind)
    }
    return removed
  }

  function logFailure(error: unknown, kind?: ExpiredKind) {
    if (outageOf(error)) app.database.outage.failed(error)
    else app.log.error({ err: error, kind }, 'what has run out could not be removed')
  }

  return {
    sweep,
    stop() {
      stopped = true
    },
  }
}

/** Before when each kind is of no use any more. */
function dates(app: Pick<Needs, 'config' | 'clock'>): Record<ExpiredKind, Date> {
  const { EVENT_RETENTION, MAIL_RETENTION, DEAD_MAIL_RETENTION, RESET_TOKEN_TTL, CONFIRM_TOKEN_TTL } =
    app.config
  // The codes of mails are looked up in these rows.
  const sentRetention = Math.max(MAIL_RETENTION, RESET_TOKEN_TTL, CONFIRM_TOKEN_TTL)
  const now = app.clock()
  const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000)
  return {
    sessions: now,
    registrations: now,
    legacy_registrations: now,
    guesses: now,
    familiar_networks: now,
    mail_turns: now,
    events: ago(EVENT_RETENTION),
    mails_sent: ago(sentRetention),
    mails_dropped: ago(MAIL_RETENTION),
    mails_dead: ago(DEAD_MAIL_RETENTION),
    mails_cancelled: ago(MAIL_RETENTION),
    notices: now,
    deleted_histories: now,
    deleted_mails: now,
    deleted_accounts: now,
  }
}

async function housekeeping(app: FastifyInstance, options: HousekeepingOptions) {
  const { interval = HOUR_MS } = options
  const { sweep, stop } = housekeeper(app, options)
  let timer: NodeJS.Timeout | undefined
  let sweeping: Promise<unknown> | undefined

  function schedule() {
    // Not in step with other instances, which would all ask for the lease at the same time.
    timer = setTimeout(
      () => {
        sweeping = sweep()
          .catch(error => app.log.error({ err: error }, 'the housekeeping failed'))
          .finally(schedule)
      },
      interval * (0.5 + Math.random()),
    ).unref()
  }

  app.addHook('onReady', async () => schedule())
  app.addHook('onClose', async () => {
    stop()
    clearTimeout(timer)
    await sweeping
    clearTimeout(timer)
  })
}

export default fp(housekeeping, { name: 'housekeeping', dependencies: ['database'] })
