/**
 * Queries about mails to be sent. A row is filed in the transaction of what causes it, claimed by lease
 * (compare-and-swap, so that any number of instances may work), and finished once.
 */

import { v7 as uuidv7 } from 'uuid'
import type { Outbox, Prisma, PrismaClient } from '../generated/sqlite/client.ts'
import type { Origin } from './events.ts'

/** Why a mail is sent. Which mail it becomes, the worker decides when it sends it. */
export type OutboxKind =
  | 'registration'
  | 'confirmation_resend'
  | 'reset_request'
  | 'password_changed'
  | 'password_change_code'
  | 'email_change'
  | 'email_change_requested'
  | 'email_changed'
  | 'new_device'
  | 'account_secured'
  | 'farewell'

/** What a mail is about; see the model. */
export interface NewMail extends Partial<Origin> {
  kind: OutboxKind
  recipient: string
  registrationId?: string
  userId?: string
  challengeId?: string
  mentionedEmail?: string
  locale?: string | null
}

/** A mail in the outbox. */
export type OutboxRow = Omit<Outbox, 'kind'> & { kind: OutboxKind }

/** Puts a mail into the outbox within a transaction. */
export type FileMail = (
  tx: Prisma.TransactionClient,
  mail: NewMail,
  now: Date,
) => Prisma.PrismaPromise<unknown>

/** How a mail ended: it was sent, there was nothing to send, or all tries failed (dead letter). */
export type Outcome = 'sent' | 'dropped' | 'dead'

/** Queries about the outbox. */
export type OutboxQueries = ReturnType<typeof outbox>

/** Writes the row; the same within a transaction and outside of one. */
export const insertMail: FileMail = (tx, mail, now) =>
  tx.outbox.create({
    data: { ...mail, id: uuidv7(), state: 'queued', attempts: 0, nextAttemptAt: now, createdAt: now },
  })

/** @param client the database */
export function outbox(client: PrismaClient) {
  return {
    file: (mail: NewMail, now: Date) => insertMail(client, mail, now),

    /** Files several mails, all or none. */
    fileAll: (mails: NewMail[], now: Date) =>
      client.$transaction(mails.map(mail => insertMail(client, mail, now))),

    /** The mails to or about an account. */
    about: (user: { id: string; email: string }) =>
      client.outbox.findMany({
        where: { OR: [{ recipient: user.email }, { userId: user.id }] },
        orderBy: { id: 'asc' },
      }),

    /**
     * Claims rows that are due, by compare-and-swap on their attempts.
     *
     * @param limit how many at most
     * @param leasedUntil when another worker may take them, should this one die
     * @returns the rows that are now this worker's
     */
    async claim(limit: number, now: Date, leasedUntil: Date): Promise<OutboxRow[]> {
      const due = await client.outbox.findMany({
        where: { state: 'queued', nextAttemptAt: { lte: now } },
        orderBy: { nextAttemptAt: 'asc' },
        take: limit,
      })
      const claimed: OutboxRow[] = []
      for (const row of due) {
        const attempts = row.attempts + 1
        // `nextAttemptAt` moves to the end of the lease, so that one index finds what is due.
        const { count } = await client.outbox.updateMany({
          where: { id: row.id, state: 'queued', attempts: row.attempts, nextAttemptAt: row.nextAttemptAt },
          data: { attempts, leasedUntil, nextAttemptAt: leasedUntil },
        })
        if (count === 1) claimed.push({ ...row, kind: row.kind as OutboxKind, attempts, leasedUntil })
      }
      return claimed
    },

    /** When the next row is due; undefined where none waits. */
    async nextDue(): Promise<Date | undefined> {
      const row = await client.outbox.findFirst({
        where: { state: 'queued' },
        orderBy: { nextAttemptAt: 'asc' },
        select: { nextAttemptAt: true },
      })
      return row?.nextAttemptAt
    },

    /**
     * When mails of the same kind were asked for, for the same recipient, before this one; oldest first.
     * Dropped ones take nobody's turn. The order is the same for every worker, so two of them
     * never disagree.
     */
    async askedBefore(row: OutboxRow, since: Date): Promise<Date[]> {
      const rows = await client.outbox.findMany({
        where: {
          recipient: row.recipient,
          kind: row.kind,
          createdAt: { gt: since },
          state: { not: 'dropped' },
          OR: [{ createdAt: { lt: row.createdAt } }, { createdAt: row.createdAt, id: { lt: row.id } }],
        },
        orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
        select: { createdAt: true },
      })
      return rows.map(({ createdAt }) => createdAt)
    },

    /** Gives a claimed row back: after a failure, or because its time has not come. */
    defer: (row: OutboxRow, to: { nextAttemptAt: Date; attempts?: number; lastError?: string }) =>
      client.outbox.updateMany({
        where: { id: row.id, state: 'queued', attempts: row.attempts },
        data: { ...to, leasedUntil: null },
      }),

    /** Finishes a claimed row. */
    finish: (row: OutboxRow, outcome: Outcome, now: Date, lastError: string | null = null) =>
      client.outbox.updateMany({
        where: { id: row.id, state: 'queued', attempts: row.attempts },
        data: { state: outcome, finishedAt: now, leasedUntil: null, lastError },
      }),

    /** Forgets finished rows: dead letters finished before one moment, all others before another. */
    purgeFinished: (before: Date, deadBefore: Date) =>
      client.outbox.deleteMany({
        where: {
          OR: [{ finishedAt: { lt: before }, state: { not: 'dead' } }, { finishedAt: { lt: deadBefore } }],
        },
      }),
  }
}
