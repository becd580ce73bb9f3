/**
 * Queries about notices whose "this was not me" is still good: which addresses have one, and until when.
 */
import type { Notice, PrismaClient } from '../generated/sqlite/client.ts'
import type { OutboxKind } from './outbox.ts'
import type { Statements } from './sql.ts'

export type { Notice }

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
