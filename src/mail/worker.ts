// The outbox worker: claims rows by lease, sends each email, and retries with exponential back-off and jitter
// until it is sent or a dead letter.
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import { outageDetail, outageOf } from '../database/outage.ts'
import type { OutboxRow } from '../database/queries/outbox.ts'
import { backoff, outageLog } from '../shared/outage-log.ts'
import { traceFields } from '../shared/trace.ts'
import { CLOCK_TOLERANCE } from '../tokens/jwt.ts'
import { giveTurnBack, isCapped, takeTurn } from './caps.ts'
import { watchClock } from './clock-watch.ts'
import { composeDecoy, composeMail } from './compose.ts'
import type { MailDependencies } from './dependencies.ts'
import { type SendFailure, sendError } from './smtp-error.ts'
import type { MailTransport } from './transport.ts'

/** Concurrent emails: the size of nodemailer's connection pool. */
const MAX_CONCURRENT = 5
/** Milliseconds. A server may refuse a single recipient in the same words, which would toggle the alert. */
const QUIET_AFTER_ALERT = 15 * 60 * 1000
/** Seconds; longer than the transport's timeouts together. */
const LEASE = 60
/** Seconds between polls for rows of other instances. */
const POLL = 5
/** Milliseconds between retries while the outbox cannot be read. */
const FIRST_POLL_RETRY = 1000
const LONGEST_POLL_RETRY = 15_000
/** 30 s, 108 s … 18 h: about a day in total. */
const FIRST_RETRY = 30
const GROWTH = 3.6
const MAX_ATTEMPTS = 8
/** Keeps instances that failed together from retrying together. */
const JITTER = 0.2

// Milliseconds between retries to record a sent email. Much shorter than the lease, after which another
// instance would send it again.
const FIRST_RECORD_RETRY = 1000
const LONGEST_RECORD_RETRY = 5000

/** Request ids per log line. */
const MAX_LOGGED_IDS = 20

/** Seconds; shortened by tests. */
export interface WorkerTiming {
  lease?: number
  poll?: number
  firstRetry?: number
}

export interface MailWorker {
  /** Polls now, for a new row. */
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
  { lease = LEASE, poll = POLL, firstRetry = FIRST_RETRY }: WorkerTiming = {},
): MailWorker {
  const { outbox } = app.database
  const log = app.log.child({ part: 'outbox' })
  const inProgress = new Map<string, Delivery>()
  /** Emails that were sent and are not recorded: the database is down, or the row was claimed again. Not sent again. */
  const sentUnrecorded = new Set<string>()
  const wasSetBack = watchClock(app.clock, CLOCK_TOLERANCE)
  /** At the start too: the clock may have been set back while the process was down. */
  let rescheduleDue = true
  let polling: Promise<void> | undefined
  let pollAgain = false
  const retry = backoff(FIRST_POLL_RETRY, LONGEST_POLL_RETRY)
  /** Faults that are no outage, such as missing tables. The database logs outages. */
  const fault = outageLog(
    log,
    { failed: 'the outbox cannot be read', worked: 'the outbox can be read again' },
    error => ({ reason: outageDetail(error), err: error }),
  )
  /** One alert, however many emails wait. */
  const serviceRefusal = outageLog(
    log,
    {
      failed:
        'ALERT: the mail server refuses this service; emails wait. Check its credentials, TLS and sender',
      worked: 'the mail server accepts mails again',
    },
    answer => ({ reason: String(answer), kind: 'refused' }),
    { quiet: QUIET_AFTER_ALERT },
  )
  /** One line for all emails that wait for an unreachable server. */
  const serverOutage = outageLog(
    log,
    {
      failed: 'the mail server cannot be reached; emails wait and are retried',
      worked: 'the mail server can be reached again',
    },
    answer => ({ reason: String(answer), kind: 'away' }),
    { level: 'warn' },
  )
  let stopped = false
  const stopping = new AbortController()
  let timer: NodeJS.Timeout | undefined

  const later = (seconds: number) => new Date(app.clock().getTime() + seconds * 1000)

  function wake() {
    clearTimeout(timer)
    if (stopped) return
    pollAgain = true
    polling ??= pollOnce()
  }

  async function pollOnce() {
    let wait = poll
    try {
      await reschedule()
      while (pollAgain && !stopped && inProgress.size < MAX_CONCURRENT) {
        pollAgain = false
        const rows = await outbox.claim(MAX_CONCURRENT - inProgress.size, app.clock(), later(lease))
        for (const row of rows) startDelivery(row)
        if (rows.length > 0) pollAgain = true
      }
      const due = await outbox.nextDue()
      retry.reset()
      fault.worked()
      app.database.outage.worked()
      if (due) wait = Math.min(poll, Math.max(0, (due.getTime() - app.clock().getTime()) / 1000))
    } catch (error) {
      if (outageOf(error) === undefined) fault.failed(error)
      else app.database.outage.failed(error)
      // Polling again at once would be a busy loop if the claim failed.
      pollAgain = false
      wait = retry.next() / 1000
    }
    // In the turn that sets the timer: a wake in between would clear the timer and start nothing.
    polling = undefined
    // At full concurrency, the first email to finish polls again.
    if (stopped || inProgress.size >= MAX_CONCURRENT) return
    if (pollAgain) wait = 0
    timer = setTimeout(wake, wait * 1000).unref()
  }

  /** Rows whose due time lies ahead after a clock rollback. */
  async function reschedule() {
    if (wasSetBack()) rescheduleDue = true
    if (!rescheduleDue) return
    await outbox.rescheduleAfterRollback(app.clock(), later(lease), CLOCK_TOLERANCE)
    rescheduleDue = false
  }

  function startDelivery(row: OutboxRow) {
    const running = inProgress.get(row.id)
    if (running) {
      // Records of this delivery must match the new claim from now on.
      running.row.attempts = row.attempts
      running.claimedAgain = row
      return
    }
    const delivery: Delivery = { row, ended: Promise.resolve() }
    inProgress.set(row.id, delivery)
    delivery.ended = deliver(row)
      .catch(error => {
        if (outageOf(error)) app.database.outage.failed(error)
        else log.error({ err: error, ...factsOf(row) }, 'email delivery failed unexpectedly')
        return false
      })
      .then(recorded => {
        inProgress.delete(row.id)
        if (!recorded && delivery.claimedAgain && !stopped) startDelivery(delivery.claimedAgain)
        wake()
      })
  }

  /** Returns whether the outcome was recorded, which it is not if the row was claimed again. */
  async function deliver(row: OutboxRow): Promise<boolean> {
    if (sentUnrecorded.has(row.id)) return recordSent(row)
    const turn = await takeTurn(app, row)
    if (turn.outcome === 'waited too long') {
      const dropped = await outbox.finish(row, 'dropped', app.clock(), 'waited more than a day for its turn')
      log.warn(factsOf(row), 'mail dropped: it waited more than a day for its turn')
      return dropped
    }
    if (turn.outcome !== 'leads') {
      log.debug(
        { ...factsOf(row), outcome: turn.outcome },
        'mail waits for its turn, or another one serves it',
      )
      return turn.outcome === 'waits'
    }
    let mail: Awaited<ReturnType<typeof composeMail>>
    try {
      mail = await composeMail(app, row, turn.newestRequest)
      if (mail) await transport.send({ to: row.recipient, ...mail })
      // A recipient that gets no email costs the same (timing side channel).
      else if (isCapped(row)) await transport.pretend?.({ to: row.recipient, ...composeDecoy(app, row) })
    } catch (error) {
      return fail(row, sendError(error, { to: row.recipient, text: mail?.text ?? '' }))
    }
    if (mail) {
      serverOutage.worked()
      serviceRefusal.worked()
    }
    const recorded = mail ? await recordSent(row) : await outbox.finish(row, 'dropped', app.clock())
    // Logged for both outcomes: one line more would delay the next response.
    const alsoServes = turn.alsoServes.slice(0, MAX_LOGGED_IDS)
    const facts = { ...factsOf(row), ...(alsoServes.length > 0 && { alsoServes }) }
    log.info(facts, mail ? 'mail sent' : 'nothing to mail')
    return recorded
  }

  /** Retries until the database records it; otherwise the row is sent again after the lease. */
  async function recordSent(row: OutboxRow): Promise<boolean> {
    const { next } = backoff(FIRST_RECORD_RETRY, LONGEST_RECORD_RETRY)
    sentUnrecorded.add(row.id)
    for (;;) {
      try {
        const recorded = await outbox.finish(row, 'sent', app.clock())
        if (recorded) sentUnrecorded.delete(row.id)
        return recorded
      } catch (error) {
        if (stopped || outageOf(error) === undefined) throw error
        await delay(next(), undefined, { signal: stopping.signal }).catch(() => {})
      }
    }
  }

  async function fail(row: OutboxRow, error: SendFailure): Promise<boolean> {
    const facts = { ...factsOf(row), reason: error.message }
    if (error.refusesService) serviceRefusal.failed(error.message)
    if (error.unreachable) serverOutage.failed(error.message)
    if (error.permanent || row.attempts >= MAX_ATTEMPTS) {
      const buried = await outbox.finish(row, 'dead', app.clock(), error.message)
      log.error(facts, 'mail is a dead letter')
      return buried
    }
    const wait = firstRetry * GROWTH ** (row.attempts - 1) * (1 + JITTER * (2 * Math.random() - 1))
    // The cap counts delivered emails: a retry after a transient failure must not wait for another turn.
    if (error.untaken) await giveTurnBack(app, row)
    const deferred = await outbox.defer(row, { nextAttemptAt: later(wait), lastError: error.message })
    // In an outage, the line at its start is enough.
    const level = error.refusesService || error.unreachable ? 'debug' : 'warn'
    log[level]({ ...facts, nextInSeconds: Math.round(wait) }, 'SMTP delivery failed, retrying later')
    return deferred
  }

  wake()

  return {
    wake,
    async stop() {
      stopped = true
      stopping.abort()
      clearTimeout(timer)
      await polling
      await Promise.all([...inProgress.values()].map(({ ended }) => ended))
      transport.close()
    },
  }
}

/** Log fields of an email, without its recipient. */
const factsOf = ({ id, kind, attempts, requestId, traceparent }: OutboxRow) => ({
  mail: id,
  kind,
  attempts,
  ...(requestId && { requestId }),
  ...traceFields(traceparent),
})
