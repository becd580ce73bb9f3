// One delivery of a claimed email: take the recipient's turn, compose, send, record. A failure at any step is a
// result like the others, so that all have the same back-off with jitter and the same end, a dead letter.
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import { outageDetail, outageOf } from '../database/outage.ts'
import type { OutboxRow, Outcome } from '../database/queries/outbox.ts'
import { backoff } from '../shared/backoff.ts'
import { outageLog } from '../shared/outage-log.ts'
import { traceFields } from '../shared/trace.ts'
import { finishRest, giveTurnBack, isCapped, takeTurn } from './caps.ts'
import { composeDecoy, composeMail, NOT_TRIED } from './compose.ts'
import type { MailDependencies } from './dependencies.ts'
import { type SendFailure, sendError } from './smtp-error.ts'
import type { MailTransport } from './transport.ts'

/** Milliseconds. A server may refuse a single recipient in the same words, which would toggle the lines. */
const QUIET_AFTER_LINE = 15 * 60 * 1000
/** 30 s, 108 s … 18 h: about a day in total. */
export const FIRST_RETRY = 30
const GROWTH = 3.6
const MAX_ATTEMPTS = 8
/** Keeps emails and instances that failed together from retrying together. */
const JITTER = 0.2

// Milliseconds between retries to record a result. Much shorter than the lease, after which another instance
// would send the email again.
const FIRST_RECORD_RETRY = 1000
const LONGEST_RECORD_RETRY = 5000

/** Milliseconds between batches of rows that one email serves, in which requests are answered. */
const BATCH_PAUSE = 20

/** Request ids per log line. */
const MAX_LOGGED_IDS = 20

/** What a delivery came to. */
type Result = Ending & {
  /** The newest request that the email serves, if more wait than have joined it. */
  restUntil?: Date | undefined
}

type Ending =
  /** `waits`, `lost`: recorded by the turn already; back in the queue, or served by another email. */
  | { outcome: 'waits' | 'lost' | 'waited too long' }
  | { outcome: 'sent' | 'nothing to send'; alsoServes: string[] }
  | Failed

interface Failed {
  outcome: 'deferred' | 'dead'
  failure: SendFailure
  /** Seconds until the next attempt. */
  wait: number
  /** What was thrown before the email reached the transport. */
  fault?: unknown
}

interface DeliveryOptions {
  log: FastifyBaseLogger
  /** Seconds before the second attempt. */
  firstRetry: number
  /** Ends the retries to record a result. */
  stopping: AbortSignal
}

/**
 * Returns a function that delivers a claimed row. It never rejects. Its promise is fulfilled with whether the
 * result was recorded, which it is not if the row was claimed again or the worker stops.
 */
export function deliverer(
  app: MailDependencies,
  transport: MailTransport,
  { log, firstRetry, stopping }: DeliveryOptions,
): (row: OutboxRow) => Promise<boolean> {
  const { outbox } = app.database
  /** Emails that were sent and are not recorded: the database is down, or the row was claimed again. Not sent again. */
  const sentUnrecorded = new Set<string>()
  /** One alert, however many emails wait. */
  const serviceRefusal = outageLog(
    log,
    {
      failed:
        'ALERT: the mail server refuses this service; emails wait. Check its credentials, TLS and sender',
      worked: 'the mail server accepts emails again',
    },
    answer => ({ reason: String(answer), kind: 'refused' }),
    { quiet: QUIET_AFTER_LINE },
  )
  /** One line for all emails that wait for an unreachable server. */
  const serverOutage = outageLog(
    log,
    {
      failed: 'the mail server cannot be reached; emails wait and are retried',
      worked: 'the mail server can be reached again',
    },
    answer => ({ reason: String(answer), kind: 'away' }),
    { level: 'warn', quiet: QUIET_AFTER_LINE },
  )
  /**
   * Whether the mail server is known to be unreachable or to refuse the service, or nothing is known yet. Then an
   * email that strangers can cause waits for a probe before its account is looked up. Otherwise only those with an
   * account would fail and be retried.
   */
  let isDoubtful = transport.probe !== undefined
  let probing: Promise<SendFailure | undefined> | undefined
  /** Bugs, and outages that only a delivery meets. Not the log of the database, whose end every poll reports. */
  const faults = outageLog(
    log,
    {
      failed: 'emails cannot be processed; they wait and are retried',
      worked: 'emails are processed again',
    },
    error => ({
      reason: outageDetail(error),
      kind: faultKind(error),
      ...(outageOf(error) === undefined && { err: error }),
    }),
    { quiet: QUIET_AFTER_LINE },
  )

  async function deliver(row: OutboxRow): Promise<boolean> {
    if (sentUnrecorded.has(row.id)) return (await record(row, { outcome: 'sent', alsoServes: [] })) === true
    const result = await attempt(row)
    const recorded = await record(row, result)
    if (recorded !== undefined) report(row, result)
    if (recorded) await recordRest(row, result).catch(logUnlessOutage)
    return recorded === true
  }

  /** Those that are left when the worker stops, or the database fails, wait for the next email. */
  async function recordRest(row: OutboxRow, result: Result) {
    const finished = finishedAs(result)
    if (result.restUntil === undefined || finished === undefined) return
    while (!stopping.aborted && (await finishRest(app, row, result.restUntil, finished)) > 0) {
      await delay(BATCH_PAUSE)
    }
  }

  async function attempt(row: OutboxRow): Promise<Result> {
    let mail: Awaited<ReturnType<typeof composeMail>>
    let alsoServes: string[]
    let restUntil: Date | undefined
    try {
      const turn = await takeTurn(app, row)
      if (turn.outcome !== 'leads') return turn
      alsoServes = turn.alsoServes
      if (turn.hasMore) restUntil = turn.newestRequest
      const failure = isCapped(row) ? await connectionFailure() : undefined
      if (failure) return failed(row, { ...failure, message: `${NOT_TRIED}${failure.message}` })
      mail = await composeMail(app, row, turn.newestRequest)
    } catch (fault) {
      return { ...failed(row, sendError(fault, { to: row.recipient, text: '' })), fault }
    }
    try {
      if (mail) await transport.send({ to: row.recipient, ...mail })
      // A recipient that gets no email costs the same (timing side channel).
      else if (isCapped(row)) await transport.pretend?.({ to: row.recipient, ...composeDecoy(app, row) })
    } catch (error) {
      const failure = sendError(error, { to: row.recipient, text: mail?.text ?? '' })
      return { ...failed(row, failure), restUntil }
    }
    if (mail) {
      isDoubtful = false
      serverOutage.worked()
      serviceRefusal.worked()
    }
    return { outcome: mail ? 'sent' : 'nothing to send', alsoServes, restUntil }
  }

  /** One probe at a time, for all emails. */
  function connectionFailure(): Promise<SendFailure | undefined> | SendFailure | undefined {
    if (!isDoubtful) return undefined
    probing ??= probe().finally(() => {
      probing = undefined
    })
    return probing
  }

  async function probe(): Promise<SendFailure | undefined> {
    try {
      await transport.probe?.()
      isDoubtful = false
      return undefined
    } catch (error) {
      // Nothing was sent, and a server refuses no email at its greeting.
      const { message, refusesService, unreachable } = sendError(error, { to: '', text: '' })
      return { message, refusesService, unreachable, permanent: false, untaken: true }
    }
  }

  function failed({ attempts }: OutboxRow, failure: SendFailure): Failed {
    if (failure.refusesService || failure.unreachable) isDoubtful = transport.probe !== undefined
    if (failure.refusesService) serviceRefusal.failed(failure.message)
    if (failure.unreachable) serverOutage.failed(failure.message)
    const outcome = failure.permanent || attempts >= MAX_ATTEMPTS ? 'dead' : 'deferred'
    const wait = firstRetry * GROWTH ** (attempts - 1) * (1 + JITTER * (2 * Math.random() - 1))
    return { outcome, failure, wait }
  }

  /**
   * Retries until the database records the result; otherwise the email would wait for the end of the lease, and
   * a sent one would be sent again.
   * @returns whether it was recorded; undefined if the worker stops first
   */
  async function record(row: OutboxRow, result: Result): Promise<boolean | undefined> {
    const { next } = backoff(FIRST_RECORD_RETRY, LONGEST_RECORD_RETRY)
    if (result.outcome === 'sent') sentUnrecorded.add(row.id)
    for (let tries = 1; ; tries++) {
      try {
        const recorded = await write(row, result)
        if (recorded) sentUnrecorded.delete(row.id)
        // Otherwise the line about the database covers the fault.
        if (tries === 1) {
          if ('fault' in result) faults.failed(result.fault)
          else faults.worked()
        }
        return recorded
      } catch (error) {
        // Polls that do not meet the outage report its end in between, so it is reported once.
        if (tries === 1) (outageOf(error) ? app.database.outage : faults).failed(error)
        if (stopping.aborted) return undefined
        await delay(next(), undefined, { signal: stopping }).catch(() => {})
      }
    }
  }

  async function write(row: OutboxRow, result: Result): Promise<boolean> {
    const finished = finishedAs(result)
    if (finished) return outbox.finish(row, finished.outcome, app.clock(), finished.lastError)
    switch (result.outcome) {
      case 'waits':
        return true
      case 'deferred': {
        const { failure, wait } = result
        // The cap counts delivered emails: a retry after a transient failure must not wait for another turn.
        // If the turn cannot be returned, this email still has it.
        if (failure.untaken) await giveTurnBack(app, row).catch(logUnlessOutage)
        const nextAttemptAt = new Date(app.clock().getTime() + wait * 1000)
        // An earlier failure of the email itself is kept: it says that the email was composed.
        const earlier = failure.message.startsWith(NOT_TRIED) ? row.lastError : null
        return outbox.defer(row, { nextAttemptAt, lastError: earlier ?? failure.message })
      }
      default:
        return false
    }
  }

  function logUnlessOutage(error: unknown) {
    if (outageOf(error) === undefined) faults.failed(error)
  }

  function report(row: OutboxRow, result: Result) {
    const facts = factsOf(row)
    switch (result.outcome) {
      case 'waits':
      case 'lost':
        return log.debug(
          { ...facts, outcome: result.outcome },
          'email waits for its turn, or another one serves it',
        )
      case 'waited too long':
        return log.warn(facts, 'email dropped: it waited more than a day for its turn')
      case 'sent':
      case 'nothing to send': {
        // Logged for both outcomes: one line more would delay the next response.
        const alsoServes = result.alsoServes.slice(0, MAX_LOGGED_IDS)
        const served = alsoServes.length > 0 && { alsoServes }
        return log.info({ ...facts, ...served }, result.outcome === 'sent' ? 'email sent' : 'nothing to send')
      }
      case 'dead': {
        // Any client can name a recipient that the server refuses, and one request must not page anybody.
        const level = result.failure.permanent && isCapped(row) ? 'warn' : 'error'
        return log[level]({ ...facts, reason: result.failure.message }, 'email is a dead letter')
      }
      case 'deferred': {
        const { failure, wait } = result
        const details = { ...facts, reason: failure.message, nextInSeconds: Math.round(wait) }
        if ('fault' in result) return log.debug(details, 'the email was not processed, retrying later')
        // In an outage, the line at its start is enough.
        const level = failure.refusesService || failure.unreachable ? 'debug' : 'warn'
        return log[level](details, 'SMTP delivery failed, retrying later')
      }
    }
  }

  return deliver
}

/** How the row is finished, or undefined if it is not. */
function finishedAs(result: Result): { outcome: Outcome; lastError: string | null } | undefined {
  switch (result.outcome) {
    case 'waited too long':
      return { outcome: 'dropped', lastError: 'waited more than a day for its turn' }
    case 'sent':
      return { outcome: 'sent', lastError: null }
    case 'nothing to send':
      return { outcome: 'dropped', lastError: null }
    case 'dead':
      return { outcome: 'dead', lastError: result.failure.message }
    default:
      return undefined
  }
}

/** A bounded number of kinds, since messages may contain ids. */
function faultKind(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown }
  return outageOf(error) ?? String(code ?? name)
}

/** Log fields of an email, without its recipient. */
const factsOf = ({ id, kind, attempts, requestId, traceparent }: OutboxRow) => ({
  mail: id,
  kind,
  attempts,
  ...(requestId && { requestId }),
  ...traceFields(traceparent),
})
