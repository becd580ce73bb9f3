/**
 * The worker that empties the outbox: claims rows by lease, writes each mail, hands it over, and tries
 * again with exponential back-off and jitter until the mail is sent or a dead letter.
 */
import type { FastifyInstance } from 'fastify'
import type { OutboxRow } from '../database/outbox.ts'
import { capVerdict } from './caps.ts'
import { composeMail } from './compose.ts'
import type { MailSendError, MailTransport } from './transports.ts'

/** Mails handed over at once: as many as connections in nodemailer's pool. */
const AT_ONCE = 5
/** Longer than the transport's own time limits together; seconds. */
const LEASE = 60
/** How often rows of other instances are looked for; seconds. */
const POLL = 5
/** First wait, growth and number of tries: 30 s, 108 s … 18 h, about a day in all. */
const FIRST_RETRY = 30
const GROWTH = 3.6
const TRIES = 8
/** Instances that failed together shall not try again together. */
const JITTER = 0.2

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
  app: FastifyInstance,
  transport: MailTransport,
  { lease = LEASE, poll = POLL, firstRetry = FIRST_RETRY }: WorkerTiming = {},
): MailWorker {
  const { outbox } = app.database
  const log = app.log.child({ part: 'outbox' })
  const inHand = new Set<Promise<void>>()
  let looking: Promise<void> | undefined
  let lookAgain = false
  let stopped = false
  let timer: NodeJS.Timeout | undefined

  const later = (seconds: number) => new Date(app.clock().getTime() + seconds * 1000)

  function wake() {
    clearTimeout(timer)
    if (stopped) return
    lookAgain = true
    looking ??= look().finally(() => {
      looking = undefined
    })
  }

  async function look() {
    let wait = poll
    try {
      while (lookAgain && !stopped && inHand.size < AT_ONCE) {
        lookAgain = false
        const rows = await outbox.claim(AT_ONCE - inHand.size, app.clock(), later(lease))
        for (const row of rows) take(row)
        if (rows.length > 0) lookAgain = true
      }
      const due = await outbox.nextDue()
      if (due) wait = Math.min(poll, Math.max(0, (due.getTime() - app.clock().getTime()) / 1000))
    } catch (error) {
      log.error({ err: error }, 'the outbox cannot be read')
    }
    // While all hands are full, the first that is free looks again.
    if (stopped || inHand.size >= AT_ONCE) return
    if (lookAgain) wait = 0
    timer = setTimeout(wake, wait * 1000).unref()
  }

  function take(row: OutboxRow) {
    const delivery = deliver(row)
      .catch(error => log.error({ err: error, mail: row.id }, 'a mail could not be brought to its end'))
      .finally(() => {
        inHand.delete(delivery)
        wake()
      })
    inHand.add(delivery)
  }

  async function deliver(row: OutboxRow) {
    if (app.config.RATE_LIMIT === 'on') {
      const verdict = await capVerdict(outbox, row)
      if (verdict === 'drop') {
        await outbox.finish(row, 'dropped', app.clock(), 'capped')
        log.debug(factsOf(row), 'mail dropped: one too many')
        return
      }
      if (verdict.notBefore > app.clock()) {
        // Waiting for one's turn is no try.
        await outbox.defer(row, { nextAttemptAt: verdict.notBefore, attempts: row.attempts - 1 })
        log.debug(factsOf(row), 'mail waits for its turn')
        return
      }
    }
    try {
      const mail = await composeMail(app, row)
      if (mail) await transport.send({ to: row.recipient, ...mail })
      await outbox.finish(row, mail ? 'sent' : 'dropped', app.clock())
      log.debug(factsOf(row), mail ? 'mail sent' : 'nothing to mail')
    } catch (error) {
      await fail(row, error as Partial<MailSendError> & Error)
    }
  }

  async function fail(row: OutboxRow, error: Partial<MailSendError> & Error) {
    const facts = { ...factsOf(row), reason: error.message }
    if (error.permanent || row.attempts >= TRIES) {
      await outbox.finish(row, 'dead', app.clock(), error.message)
      log.error(facts, 'mail is a dead letter')
      return
    }
    const wait = firstRetry * GROWTH ** (row.attempts - 1) * (1 + JITTER * (2 * Math.random() - 1))
    await outbox.defer(row, { nextAttemptAt: later(wait), lastError: error.message })
    log.warn({ ...facts, nextInSeconds: Math.round(wait) }, 'mail was not taken, trying again later')
  }

  wake()

  return {
    wake,
    async stop() {
      stopped = true
      clearTimeout(timer)
      await looking
      await Promise.all(inHand)
      transport.close()
    },
  }
}

/** What the log may say of a mail. */
const factsOf = ({ id, kind, attempts }: OutboxRow) => ({ mail: id, kind, attempts })
