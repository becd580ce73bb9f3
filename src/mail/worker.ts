/**
 * The worker that empties the outbox: claims rows by lease, writes each mail, hands it over, and tries
 * again with exponential back-off and jitter until the mail is sent or a dead letter.
 */
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
import type { MailNeeds } from './needs.ts'
import { type SendFailure, sendError } from './smtp-error.ts'
import type { MailTransport } from './transport.ts'

/** Mails handed over at once: as many as connections in nodemailer's pool. */
const AT_ONCE = 5
/** A mail server may refuse one recipient in these words: others pass, and the alert would come and go; milliseconds. */
const QUIET_AFTER_ALERT = 15 * 60 * 1000
/** Longer than the transport's own time limits together; seconds. */
const LEASE = 60
/** How often rows of other instances are looked for; seconds. */
const POLL = 5
/** Delays of the retry while the outbox cannot be read; milliseconds. */
const FIRST_LOOK_RETRY = 1000
const LONGEST_LOOK_RETRY = 15_000
/** First wait, growth and number of tries: 30 s, 108 s … 18 h, about a day in all. */
const FIRST_RETRY = 30
const GROWTH = 3.6
const TRIES = 8
/** Instances that failed together shall not try again together. */
const JITTER = 0.2

/**
 * Delays until the database is asked again to note that a mail was sent; milliseconds. Short beside the lease: when
 * that is over, another instance sends the mail again.
 */
const FIRST_NOTE_RETRY = 1000
const LONGEST_NOTE_RETRY = 5000

/** Ids of requests that one log line names at most. */
const MOST_IDS = 20

/** Seconds; for tests that cannot wait. */
export interface WorkerTiming {
  lease?: number
  poll?: number
  firstRetry?: number
}

export interface MailWorker {
  /** Looks for work now: there is a new row. */
  wake(): void
  /** Takes no new rows and waits for the mails in hand. */
  stop(): Promise<void>
}

/** Starts a worker. */
export function startMailWorker(
  app: MailNeeds & { log: FastifyBaseLogger },
  transport: MailTransport,
  { lease = LEASE, poll = POLL, firstRetry = FIRST_RETRY }: WorkerTiming = {},
): MailWorker {
  const { outbox } = app.database
  const log = app.log.child({ part: 'outbox' })
  const inHand = new Map<string, { row: OutboxRow; delivery: Promise<void> }>()
  /** Ids of mails that were sent while the database could not take note: they must not be sent again. */
  const unnoted = new Set<string>()
  const wasSetBack = watchClock(app.clock, CLOCK_TOLERANCE)
  /** At the start, too: the clock may have been set back before. */
  let recallDue = true
  let looking: Promise<void> | undefined
  let lookAgain = false
  const retry = backoff(FIRST_LOOK_RETRY, LONGEST_LOOK_RETRY)
  /** For what is no outage, such as missing tables; outages are the database's own to log. */
  const fault = outageLog(
    log,
    { failed: 'the outbox cannot be read', worked: 'the outbox can be read again' },
    error => ({ reason: outageDetail(error), err: error }),
  )
  /** One alert, however many mails wait for the operator. */
  const refusal = outageLog(
    log,
    {
      failed:
        'ALERT: the mail server refuses this service and mails wait: check its credentials, TLS and sender',
      worked: 'the mail server accepts mails again',
    },
    answer => ({ reason: String(answer), kind: 'refused' }),
    { quiet: QUIET_AFTER_ALERT },
  )
  /** One line for all mails that wait for a server that is away. */
  const absence = outageLog(
    log,
    {
      failed: 'the mail server cannot be reached and mails wait: they are tried again',
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
    lookAgain = true
    looking ??= look()
  }

  async function look() {
    let wait = poll
    try {
      await recall()
      while (lookAgain && !stopped && inHand.size < AT_ONCE) {
        lookAgain = false
        const rows = await outbox.claim(AT_ONCE - inHand.size, app.clock(), later(lease))
        for (const row of rows) take(row)
        if (rows.length > 0) lookAgain = true
      }
      const due = await outbox.nextDue()
      retry.reset()
      fault.worked()
      app.database.outage.worked()
      if (due) wait = Math.min(poll, Math.max(0, (due.getTime() - app.clock().getTime()) / 1000))
    } catch (error) {
      if (outageOf(error) === undefined) fault.failed(error)
      else app.database.outage.failed(error)
      // Also where the failure came before the claim: to look again at once would be a loop without a pause.
      lookAgain = false
      wait = retry.next() / 1000
    }
    // In the turn that sets the timer: a wake between the two would clear the timer and start nothing.
    looking = undefined
    // While all hands are full, the first that is free looks again.
    if (stopped || inHand.size >= AT_ONCE) return
    if (lookAgain) wait = 0
    timer = setTimeout(wake, wait * 1000).unref()
  }

  /** What is in the future now would wait there, as long as the clock was set back. */
  async function recall() {
    if (wasSetBack()) recallDue = true
    if (!recallDue) return
    await outbox.rescheduleAfterRollback(app.clock(), later(lease), CLOCK_TOLERANCE)
    recallDue = false
  }

  function take(row: OutboxRow) {
    const held = inHand.get(row.id)
    if (held) {
      // The clock was set forward, and its lease was over. That is renewed now; sent it is once.
      held.row.attempts = row.attempts
      return
    }
    const delivery = deliver(row)
      .catch(error => {
        if (outageOf(error)) app.database.outage.failed(error)
        else log.error({ err: error, ...factsOf(row) }, 'a mail could not be brought to its end')
      })
      .finally(() => {
        inHand.delete(row.id)
        wake()
      })
    inHand.set(row.id, { row, delivery })
  }

  async function deliver(row: OutboxRow) {
    if (unnoted.has(row.id)) return noteSent(row)
    const turn = await takeTurn(app, row)
    if (turn.outcome === 'waited too long') {
      await outbox.finish(row, 'dropped', app.clock(), 'waited too long for its turn')
      log.warn(factsOf(row), 'mail dropped: it waited for a turn for a day')
      return
    }
    if (turn.outcome !== 'leads') {
      log.debug(
        { ...factsOf(row), outcome: turn.outcome },
        'mail waits for its turn, or another one serves it',
      )
      return
    }
    let mail: Awaited<ReturnType<typeof composeMail>>
    try {
      mail = await composeMail(app, row, turn.newestRequest)
      if (mail) await transport.send({ to: row.recipient, ...mail })
      // An address that gets no mail costs the same, so that the next response does not tell.
      else if (isCapped(row)) await transport.pretend?.({ to: row.recipient, ...composeDecoy(app, row) })
    } catch (error) {
      return fail(row, sendError(error, { to: row.recipient, text: mail?.text ?? '' }))
    }
    if (mail) {
      absence.worked()
      refusal.worked()
    }
    if (mail) await noteSent(row)
    else await outbox.finish(row, 'dropped', app.clock())
    // The same for an address that gets no mail: a line more would hold up the next response.
    const alsoServes = turn.alsoServes.slice(0, MOST_IDS)
    const facts = { ...factsOf(row), ...(alsoServes.length > 0 && { alsoServes }) }
    log.info(facts, mail ? 'mail sent' : 'nothing to mail')
  }

  /** Until the database takes note: a row that looks unsent is sent again when its lease is over. */
  async function noteSent(row: OutboxRow) {
    const { next } = backoff(FIRST_NOTE_RETRY, LONGEST_NOTE_RETRY)
    for (;;) {
      try {
        await outbox.finish(row, 'sent', app.clock())
        return
      } catch (error) {
        // Kept also when it is noted at last: the row may have been claimed anew just before.
        unnoted.add(row.id)
        if (stopped || outageOf(error) === undefined) throw error
        await delay(next(), undefined, { signal: stopping.signal }).catch(() => {})
      }
    }
  }

  async function fail(row: OutboxRow, error: SendFailure) {
    const facts = { ...factsOf(row), reason: error.message }
    if (error.refusesService) refusal.failed(error.message)
    if (error.unreachable) absence.failed(error.message)
    if (error.permanent || row.attempts >= TRIES) {
      await outbox.finish(row, 'dead', app.clock(), error.message)
      log.error(facts, 'mail is a dead letter')
      return
    }
    const wait = firstRetry * GROWTH ** (row.attempts - 1) * (1 + JITTER * (2 * Math.random() - 1))
    // The cap is for mails that arrive: a retry after a transient failure must not wait for another turn.
    if (error.untaken) await giveTurnBack(app, row)
    await outbox.defer(row, { nextAttemptAt: later(wait), lastError: error.message })
    // In an outage all mails have this line, and the beginning of the outage has told of it.
    const level = error.refusesService || error.unreachable ? 'debug' : 'warn'
    log[level]({ ...facts, nextInSeconds: Math.round(wait) }, 'mail was not taken, trying again later')
  }

  wake()

  return {
    wake,
    async stop() {
      stopped = true
      stopping.abort()
      clearTimeout(timer)
      await looking
      await Promise.all([...inHand.values()].map(({ delivery }) => delivery))
      transport.close()
    },
  }
}

/** What the log may say of a mail: never its recipient. */
const factsOf = ({ id, kind, attempts, requestId, traceparent }: OutboxRow) => ({
  mail: id,
  kind,
  attempts,
  ...(requestId && { requestId }),
  ...traceFields(traceparent),
})
