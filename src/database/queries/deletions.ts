// An attacker must not void the owner's notices by deleting the account. While the link of a notice is valid,
// the data needed to restore the account is kept in a table that only "this was not me" reads.
import type { DeletedAccount, Notice, PrismaClient, User } from '../../generated/sqlite/client.ts'
import { runIn, type Statements, undefinedOnConflict } from '../sql.ts'
import { type Actor, insertEvent, type Origin } from './events.ts'
import { causedBy, insertMail, type OutboxKind } from './outbox.ts'
import { removeRegistrations } from './registrations.ts'
import { type Securing, secured, whereUnchanged } from './users.ts'

/** Emails with a "this was not me" link. */
export const NOTICE_KINDS: OutboxKind[] = [
  'password_changed',
  'email_change_requested',
  'email_changed',
  'new_device',
]

const idOf = (userId: string, recipient: string) => `${userId} ${recipient}`

/** An older notice outranks a newer one, so it stays unless its link has expired. */
const RECORD = `INSERT INTO notices (id, user_id, recipient, notice_at, expires_at) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (id) DO UPDATE SET
    notice_at = CASE WHEN notices.expires_at > $6 AND notices.notice_at < excluded.notice_at
      THEN notices.notice_at ELSE excluded.notice_at END,
    expires_at = excluded.expires_at`

export function notices(client: PrismaClient, { change }: Statements) {
  return {
    record: ({ userId, recipient, noticeAt, expiresAt }: Omit<Notice, 'id'>, now: Date) =>
      change(RECORD, [idOf(userId, recipient), userId, recipient, noticeAt, expiresAt, now]),

    /** The notice to a recipient, if its link is valid. */
    find: (userId: string, recipient: string, now: Date): Promise<Notice | null> =>
      client.notice.findFirst({ where: { id: idOf(userId, recipient), expiresAt: { gt: now } } }),

    active: (userId: string, now: Date): Promise<Notice[]> =>
      client.notice.findMany({ where: { userId, expiresAt: { gt: now } }, orderBy: { recipient: 'asc' } }),
  }
}

export type { DeletedAccount }

const NOWHERE: Origin = { ip: null, device: null, requestId: null }

export function deletions(client: PrismaClient) {
  return {
    /**
     * Deletes an account with its sessions, emails and address, and queues a farewell to each recipient of a
     * notice. The history becomes anonymous at once, or when the deletion can no longer be undone.
     * @param undoable end of the time in which a notice can undo the deletion
     * @returns false if another change was first
     */
    remove(user: User, now: Date, origin: Origin, undoable: Date, actor?: Actor): Promise<boolean> {
      const { id: userId, email, locale } = user
      const by = actor && { actor }
      // A disabled account is deleted by an operator alone.
      const where = { ...whereUnchanged(user), ...(actor && { disabledAt: user.disabledAt }) }
      return client.$transaction(async tx => {
        const { count } = await tx.user.deleteMany({ where })
        if (count !== 1) return false
        const unsent = { state: 'queued', kind: { in: NOTICE_KINDS } }
        // In this order, because the worker records a notice before it finishes its email: a notice that is not
        // found in the outbox any more is found among the notices.
        const readers = [
          ...(await tx.outbox.findMany({ where: { userId, ...unsent } })),
          ...(await tx.notice.findMany({ where: { userId, expiresAt: { gt: now } } })),
        ].map(({ recipient }) => recipient)
        const isUndoable = readers.length > 0
        // Emails before registrations, so that a registration that commits in between keeps its email.
        // Requests of other accounts for this address stay; their owners' exports would otherwise reveal the
        // account.
        await tx.outbox.deleteMany({
          where: {
            OR: [
              { recipient: email, userId: null },
              { userId, NOT: isUndoable ? unsent : [] },
            ],
          },
        })
        await removeRegistrations(tx, email)
        if (isUndoable) {
          const { lastLoginAt, securedAt, securedNoticeAt, disabledCount, claims, createdAt } = user
          const facts = { lastLoginAt, securedAt, securedNoticeAt, disabledCount, claims, createdAt, locale }
          await tx.deletedAccount.create({ data: { id: userId, ...facts, expiresAt: undoable } })
          await insertEvent(runIn(tx), { userId, kind: 'deleted', at: now, origin, ...by })
        } else {
          await tx.notice.deleteMany({ where: { userId } })
          await tx.event.updateMany({ where: { userId }, data: { userId: null, ...NOWHERE } })
          await insertEvent(runIn(tx), { userId: null, kind: 'deleted', at: now, origin: NOWHERE, ...by })
        }
        for (const recipient of new Set([email, ...readers])) {
          await insertMail(
            runIn(tx),
            { kind: 'farewell', recipient, locale, ...causedBy(origin), ...(isUndoable && { userId }) },
            now,
          )
        }
        return true
      })
    },

    find: (id: string, now: Date): Promise<DeletedAccount | null> =>
      client.deletedAccount.findFirst({ where: { id, expiresAt: { gt: now } } }),

    /** Extends the time to undo to the expiry of a link that is being sent. */
    extendUntil: (id: string, expiresAt: Date) =>
      client.deletedAccount.updateMany({ where: { id, expiresAt: { lt: expiresAt } }, data: { expiresAt } }),

    /**
     * Restores an account in the secured state: no session, no usable password, the email of the notice, and
     * a reset link on its way.
     * @returns false if another call was first, or if the email has another account
     */
    async undo(account: DeletedAccount, by: Securing, now: Date, origin: Origin): Promise<boolean> {
      const { id, lastLoginAt, disabledCount, claims, locale, createdAt } = account
      const undoing = client.$transaction(async tx => {
        // Compare-and-swap: only one of two calls deletes this row.
        const { count } = await tx.deletedAccount.deleteMany({ where: { id, expiresAt: { gt: now } } })
        if (count !== 1) return false
        const { email } = by
        const dates = {
          emailConfirmedAt: now,
          emailChangedAt: now,
          passwordChangedAt: now,
          lastLoginAt,
          createdAt,
        }
        await tx.user.create({
          data: { id, email, disabledCount, claims, locale, ...dates, ...secured(by, now) },
        })
        await removeRegistrations(tx, email)
        await tx.notice.deleteMany({ where: { userId: id, noticeAt: { gte: by.notice } } })
        await insertEvent(runIn(tx), { userId: id, kind: 'secured', at: now, origin })
        await insertMail(
          runIn(tx),
          { kind: 'account_secured', recipient: email, userId: id, ...causedBy(origin) },
          now,
        )
        return true
      })
      return (await undefinedOnConflict(undoing)) ?? false
    },
  }
}
