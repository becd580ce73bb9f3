// The outbox worker: polls, claims due rows by lease and delivers them, several at a time.
import type { FastifyBaseLogger } from 'fastify'
import { outageDetail, outageOf } from '../database/outage.ts'
import type { OutboxRow } from '../database/queries/outbox.ts'
import { backoff } from '../shared/backoff.ts'
import { outageLog } from '../shared/outage-log.ts'
import { CLOCK_TOLERANCE } from '../tokens/jwt.ts'
import { busyKeys } from './caps.ts'
import { watchClock } from './clock-watch.ts'
import { deliverer, FIRST_RETRY } from './delivery.ts'
import type { MailDependencies } from './dependencies.ts'
import type { MailTransport } from './transport.ts'

/** Concurrent emails: the size of nodemailer's connection pool. */
const MAX_CONCURRENT = 5
/** Seconds; longer than the transport's timeouts together. */
const LEASE = 60
/** Seconds between polls for rows of other instances. */
const POLL = 5
/** Milliseconds between polls while the outbox cannot be read, or a due row cannot be claimed. */
const FIRST_POLL_RETRY = 1000
const LONGEST_POLL_RETRY = 15_000

/** Seconds; shortened by tests. */
export interface WorkerTiming {
  lease?: number
  poll?: number
  firstRetry?: number
}

export interface MailWorker {
  /** Polls now, for a new row. After a failed poll, the back-off ends first. */
  wake(): void
  /** Claims no new rows, and waits for emails in progress. */
  stop(): Promise<void>
}

/** A row on its way. */
interface Delivery {
  row: OutboxRow
  /** Fulfilled when it is over. */
  ended: Promise<void>
  /** The row as claimed once more: the clock was set forward, so that the lease expired. */
  claimedAgain?: OutboxRow
}

export function startMailWorker(
  app: MailDependencies & { log: FastifyBaseLogger },
  transport: MailTransport,
  { lease = LEASE, poll: interval = POLL, firstRetry = FIRST_RETRY }: WorkerTiming = {},
): MailWorker {
  const { outbox } = app.database
  const log = app.log.child({ part: 'outbox' })
  const inProgress = new Map<string, Delivery>()
  const wasSetBack = watchClock(app.clock, CLOCK_TOLERANCE)
  /** At the start too: the clock may have been set back while the process was down. */
  let rescheduleDue = true
  let polling: Promise<void> | undefined
  let pollAgain = false
  const retry = backoff(FIRST_POLL_RETRY, LONGEST_POLL_RETRY)
  /** Between polls for rows that other transactions hold. */
  const locked = backoff(FIRST_POLL_RETRY, LONGEST_POLL_RETRY)
  /** Faults that are no outage, such as missing tables. The database logs outages. */
  const fault = outageLog(
    log,
    { failed: 'the outbox cannot be read', worked: 'the outbox can be read again' },
    error => ({ reason: outageDetail(error), err: error }),
  )
  const stopping = new AbortController()
  const { signal } = stopping
  const deliver = deliverer(app, transport, { log, firstRetry, stopping: signal })
  /** Whether the timer is the back-off of a failed poll. */
  let backingOff = false
  let timer: NodeJS.Timeout | undefined

  const later = (seconds: number) => new Date(app.clock().getTime() + seconds * 1000)

  /** Does not shorten a back-off: otherwise each request would be a try. */
  function wake() {
    if (!backingOff) poll()
  }

  function poll() {
    clearTimeout(timer)
    backingOff = false
    if (signal.aborted) return
    pollAgain = true
    polling ??= pollOnce()
  }

  async function pollOnce() {
    let wait = interval
    let hasFailed = false
    try {
      await reschedule()
      while (pollAgain && !signal.aborted && inProgress.size < MAX_CONCURRENT) {
        pollAgain = false
        const leasedUntil = later(lease)
        const free = MAX_CONCURRENT - inProgress.size
        const rows = await outbox.claim(free, app.clock(), leasedUntil, busy())
        if (rows.length > 0) pollAgain = true
        const surplus = rows.filter(row => !startDelivery(row))
        if (surplus.length > 0) await outbox.release(surplus, app.clock(), leasedUntil)
      }
      const due = await outbox.nextDue(busy())
      retry.reset()
      fault.worked()
      app.database.outage.worked()
      const dueIn = due ? (due.getTime() - app.clock().getTime()) / 1000 : interval
      // Due, but not claimed: another transaction holds the row.
      const isLocked = dueIn <= 0 && inProgress.size < MAX_CONCURRENT
      if (!isLocked) locked.reset()
      wait = Math.min(interval, isLocked ? locked.next() / 1000 : dueIn)
    } catch (error) {
      if (outageOf(error) === undefined) fault.failed(error)
      else app.database.outage.failed(error)
      hasFailed = true
    }
    // In the turn that sets the timer: a wake in between would clear the timer and start nothing.
    polling = undefined
    if (signal.aborted) return
    if (hasFailed) {
      // Polling again at once would be a busy loop if the claim failed.
      backingOff = true
      wait = retry.next() / 1000
    } else if (inProgress.size >= MAX_CONCURRENT) {
      // The first email to finish polls again.
      return
    } else if (pollAgain) {
      wait = 0
    }
    timer = setTimeout(poll, wait * 1000).unref()
  }

  /** Rows whose due time lies ahead after a clock rollback. */
  async function reschedule() {
    if (wasSetBack()) rescheduleDue = true
    if (!rescheduleDue) return
    await outbox.rescheduleAfterRollback(app.clock(), later(lease), CLOCK_TOLERANCE)
    rescheduleDue = false
  }

  const busy = () => ({
    ids: [...inProgress.keys()],
    keys: [...inProgress.values()].flatMap(({ row }) => busyKeys(app, row)),
  })

  /** Returns false if an email to the same recipient is in progress, for which the row would wait. */
  function startDelivery(row: OutboxRow): boolean {
    const running = inProgress.get(row.id)
    if (running) {
      // Records of this delivery must match the new claim from now on.
      running.row.attempts = row.attempts
      running.claimedAgain = row
      return true
    }
    const [key] = busyKeys(app, row)
    if (key !== undefined && busy().keys.includes(key)) return false
    const delivery: Delivery = { row, ended: Promise.resolve() }
    inProgress.set(row.id, delivery)
    delivery.ended = deliver(row).then(recorded => {
      inProgress.delete(row.id)
      if (!recorded && delivery.claimedAgain && !signal.aborted) startDelivery(delivery.claimedAgain)
      wake()
    })
    return true
  }

  poll()

  return {
    wake,
    async stop() {
      stopping.abort()
      clearTimeout(timer)
      await polling
      await Promise.all([...inProgress.values()].map(({ ended }) => ended))
      transport.close()
    },
  }
}
