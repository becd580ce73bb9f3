/** An email of the outbox, as operators see it. */
import Type, { type Static } from 'typebox'
import type { MailRow } from '../database/queries/mails.ts'
import { MAIL_STATES, type MailState } from '../database/queries/outbox.ts'
import { Id, orNull, Time } from '../http/schemas.ts'
import { isInProgress } from './mails.ts'

export const State = Type.Enum([...MAIL_STATES], {
  type: 'string',
  description:
    '`queued`: waits for its next attempt; `joined`: the email `servedBy` serves this request; `sent`: the mail server ' +
    'accepted it; `dropped`: there was nothing to send; `dead`: all attempts failed, or the mail server refused it for ' +
    'good; `cancelled`: by an operator',
})

/** An email as operators see it: without its content, which is composed when it is sent. */
export const PublicMail = Type.Object(
  {
    id: Id,
    kind: Type.String({ maxLength: 64, description: 'what it is for, such as `reset_request`' }),
    recipient: Type.String({ maxLength: 254 }),
    userId: orNull(Id, 'the account that it is about, where the email alone does not say'),
    state: State,
    inProgress: Type.Boolean({ description: 'whether it is being sent at this moment' }),
    attempts: Type.Integer({ minimum: 0, maximum: 1_000_000, format: 'int32' }),
    lastError: orNull(Type.String({ maxLength: 4096 }), 'why the last attempt failed'),
    createdAt: Time,
    nextAttemptAt: orNull(Time, 'of a queued email'),
    finishedAt: orNull(Time, 'when it was sent, dropped, given up or cancelled'),
    servedBy: orNull(Id, 'the email that serves this request'),
    requestId: orNull(Type.String({ maxLength: 64 }), 'the request that caused it, as in the log'),
  },
  { title: 'Mail', additionalProperties: false, description: 'An email of the outbox' },
)
export type PublicMail = Static<typeof PublicMail>

export const EXAMPLE: PublicMail = {
  id: '01936f3e-8a77-7c3b-9d0e-4f1f2f0c6a55',
  kind: 'reset_request',
  recipient: 'ada@example.org',
  userId: null,
  state: 'queued',
  inProgress: false,
  attempts: 2,
  lastError: 'SMTP EENVELOPE at RCPT TO: 451 4.2.2 mailbox full',
  createdAt: '2026-01-31T09:30:00.000Z',
  nextAttemptAt: '2026-01-31T09:33:20.000Z',
  finishedAt: null,
  servedBy: null,
  requestId: '01936f3e-8a76-7000-8d6d-40c6c8f8ad2f',
}

/** Selects the properties that operators may see. */
export function publicMail(row: MailRow, now: Date): PublicMail {
  const { id, kind, recipient, userId, attempts, lastError, createdAt, finishedAt, mailId, requestId } = row
  const state = row.state as MailState
  return {
    id,
    kind,
    recipient,
    userId,
    state,
    inProgress: isInProgress(row, now),
    attempts,
    lastError,
    createdAt: createdAt.toISOString(),
    nextAttemptAt: state === 'queued' ? row.nextAttemptAt.toISOString() : null,
    finishedAt: finishedAt?.toISOString() ?? null,
    servedBy: mailId === id ? null : mailId,
    requestId,
  }
}
