// Deletes expired rows. One instance works at a time, under a lease, in small batches with pauses, so that no
// statement delays requests.
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { v7 as uuidv7 } from 'uuid'
import type { Config } from '../config/config.ts'
import type { Database } from '../database/index.ts'
import { outageDetail, outageOf } from '../database/outage.ts'
import type { ExpiredKind } from '../database/queries/expired.ts'
import { type OutageLog, outageLog } from '../shared/outage-log.ts'

const HOUR_MS = 3_600_000
/** Rows per statement; some milliseconds on SQLite, which has one writer. */
const BATCH = 500
/** Milliseconds between statements. */
const REST = 50
/** Seconds; renewed at half time, between statements. */
const LEASE = 60

export interface HousekeepingOptions {
  /** Average milliseconds between sweeps. */
  interval?: number
  /** Milliseconds between statements. */
  rest?: number
}

interface Dependencies {
  config: Config
  clock: () => Date
  database: Pick<Database, 'expired' | 'outage'>
  log: FastifyBaseLogger
}

interface Housekeeper {
  /**
   * Deletes all expired rows. Failures are logged.
   * @returns the number of rows, or undefined if another instance holds the lease or the sweep failed
   */
  sweep(): Promise<number | undefined>
  /** Stops after the current statement. */
  stop(): void
}

export function housekeeper(app: Dependencies, { rest = REST }: HousekeepingOptions = {}): Housekeeper {
  const { expired } = app.database
  const holder = uuidv7()
  const faults = new Map<ExpiredKind | undefined, OutageLog>()
  let stopped = false

  /** By a monotonic clock. */
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
      let removed = 0
      try {
        for (const [kind, before] of Object.entries(dates(app)) as [ExpiredKind, Date][]) {
          removed += await removeAll(kind, before)
        }
      } finally {
        await expired.release(holder)
      }
      faultOf(undefined).worked()
      return removed
    } catch (error) {
      return void logFailure(error)
    }
  }

  /** A kind that fails is left for the next sweep. */
  async function removeAll(kind: ExpiredKind, before: Date): Promise<number> {
    let removed = 0
    try {
      for (let count = BATCH; count === BATCH && !stopped; removed += count) {
        if (removed > 0) await delay(rest)
        if (!(await stillHolds())) break
        count = await expired.remove(kind, before, BATCH)
        faultOf(kind).worked()
      }
    } catch (error) {
      logFailure(error, kind)
    }
    return removed
  }

  function logFailure(error: unknown, kind?: ExpiredKind) {
    if (outageOf(error)) app.database.outage.failed(error)
    else faultOf(kind).failed(error)
  }

  /** One line when rows of a kind cannot be deleted, and one when they can again. Without a kind: the sweep itself. */
  function faultOf(kind: ExpiredKind | undefined): OutageLog {
    const found = faults.get(kind)
    if (found) return found
    const made = outageLog(
      app.log.child({ kind }),
      { failed: 'expired rows could not be deleted', worked: 'expired rows are deleted again' },
      error => ({ reason: outageDetail(error), err: error }),
    )
    faults.set(kind, made)
    return made
  }

  return {
    sweep,
    stop() {
      stopped = true
    },
  }
}

/** The time before which rows of each kind are deleted. */
function dates(app: Pick<Dependencies, 'config' | 'clock'>): Record<ExpiredKind, Date> {
  const { EVENT_RETENTION, MAIL_RETENTION, DEAD_MAIL_RETENTION, RESET_TOKEN_TTL, CONFIRM_TOKEN_TTL } =
    app.config
  // Codes are looked up in these rows.
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
    // Jitter, so that instances do not request the lease at the same time.
    timer = setTimeout(
      () => {
        sweeping = sweep().finally(schedule)
      },
      interval * (0.5 + Math.random()),
    ).unref()
  }

  app.addHook('onReady', async () => schedule())
  app.addHook('onClose', async () => {
    stop()
    clearTimeout(timer)
    await sweeping
    // The sweep that has just ended has scheduled the next one.
    clearTimeout(timer)
  })
}

export default fp(housekeeping, { name: 'housekeeping', dependencies: ['database'] })
