/**
 * Deleting an account, and undoing it. Whoever took an account over must not void the owner's notices by deleting it:
 * while the link of a notice is good, what is needed to bring the account back is kept apart, where no flow but "this
 * was not me" looks.
 */
import type { DeletedAccount, Notice, PrismaClient, User } from '../../generated/sqlite/client.ts'
import { runIn, type Statements, undefinedOnConflict } from '../sql.ts'
import { insertEvent, type Origin } from './events.ts'
import { causedBy, insertMail, type OutboxKind } from './outbox.ts'
import { removeRegistrations } from './registrations.ts'
import { type Securing, secured, type Verified, whereUnchanged } from './users.ts'

/** Queries about notices. */
export type Notices = ReturnType<typeof notices>

/** The mails that carry such a link. */
export const NOTICE_KINDS: OutboxKind[] = [
  'password_changed',
  'email_change_requested',
  'email_changed',
  'new_device',
]

const idOf = (userId: string, recipient: string) => `${userId} ${recipient}`

/** The older notice stays, since it outranks the newer one, unless its link has expired. */
const RECORD = `INSERT INTO notices (id, user_id, recipient, notice_at, expires_at) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (id) DO UPDATE SET
    notice_at = CASE WHEN notices.expires_at > $6 AND notices.notice_at < excluded.notice_at
      THEN notices.notice_at ELSE excluded.notice_at END,
    expires_at = excluded.expires_at`

/**
 * @param client the database
 * @param statements on the same database
 */
export function notices(client: PrismaClient, { change }: Statements) {
  return {
    /** Records that an address is being sent a notice. */
    record: ({ userId, recipient, noticeAt, expiresAt }: Omit<Notice, 'id'>, now: Date) =>
      change(RECORD, [idOf(userId, recipient), userId, recipient, noticeAt, expiresAt, now]),

    /** The notice of an address, if its link is good. */
    find: (userId: string, recipient: string, now: Date): Promise<Notice | null> =>
      client.notice.findFirst({ where: { id: idOf(userId, recipient), expiresAt: { gt: now } } }),

    /** Those of an account whose links are good. */
    living: (userId: string, now: Date): Promise<Notice[]> =>
      client.notice.findMany({ where: { userId, expiresAt: { gt: now } }, orderBy: { recipient: 'asc' } }),
  }
}

export type { DeletedAccount, Notice }

/** Queries about deletions. */
export type Deletions = ReturnType<typeof deletions>

const NOWHERE: Origin = { ip: null, device: null, requestId: null }

/**
 * @param client the database
 */
export function deletions(client: PrismaClient) {
  return {
    /**
     * Deletes an account with its sessions, its mails and its address, and files a farewell to each address that reads
     * of it. Its history loses everything that names a person, at once or when the deletion can no longer be undone.
     *
     * @param user as it was when the right to delete it was checked
     * @param undoable until when the deletion can be undone, if a notice is good
     * @returns whether this call was the one that deleted it
     */
    remove(user: Verified & User, now: Date, origin: Origin, undoable: Date): Promise<boolean> {
      const { id: userId, email, locale } = user
      return client.$transaction(async tx => {
        const { count } = await tx.user.deleteMany({ where: whereUnchanged(user) })
        if (count !== 1) return false
        const unsent = { state: 'queued', kind: { in: NOTICE_KINDS } }
        const readers = [
          ...(await tx.notice.findMany({ where: { userId, expiresAt: { gt: now } } })),
          ...(await tx.outbox.findMany({ where: { userId, ...unsent } })),
        ].map(({ recipient }) => recipient)
        const isUndoable = readers.length > 0
        // The mails first: of a registration that commits between the two, no row is left without its mail.
        // Requests of other accounts for this address stay, or their owners' exports would tell that it had an account.
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
          await insertEvent(runIn(tx), { userId, kind: 'deleted', at: now, origin })
        } else {
          await tx.notice.deleteMany({ where: { userId } })
          await tx.event.updateMany({ where: { userId }, data: { userId: null, ...NOWHERE } })
          await insertEvent(runIn(tx), { userId: null, kind: 'deleted', at: now, origin: NOWHERE })
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

    /** An account whose deletion can be undone. */
    find: (id: string, now: Date): Promise<DeletedAccount | null> =>
      client.deletedAccount.findFirst({ where: { id, expiresAt: { gt: now } } }),

    /** Lets a deletion be undone as long as a link lives that is being mailed. */
    keepUntil: (id: string, expiresAt: Date) =>
      client.deletedAccount.updateMany({ where: { id, expiresAt: { lt: expiresAt } }, data: { expiresAt } }),

    /**
     * Brings an account back, secured: without a session or a usable password, at the address that the owner read the
     * notice at, with a reset link on its way there.
     *
     * @returns whether this call was the one that did it; false also where the address has another account
     */
    async undo(account: DeletedAccount, by: Securing, now: Date, origin: Origin): Promise<boolean> {
      const { id, lastLoginAt, disabledCount, claims, locale, createdAt } = account
      const undoing = client.$transaction(async tx => {
        // The row is the right to undo: of two calls at once, one finds it.
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
