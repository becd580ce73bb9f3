/** Queries about accounts for operators. Every change is a transaction with its event, which names the operator. */
import type { Prisma, PrismaClient, User } from '../../generated/sqlite/client.ts'
import { runIn, type Statements, undefinedOnConflict, type Value } from '../sql.ts'
import { type AccountEventKind, type By, insertEvent } from './events.ts'
import { causedBy, insertMail, type OutboxKind } from './outbox.ts'
import { endSessionsOf, lockAccount } from './sessions.ts'
import { ACCOUNT, unusablePassword } from './users.ts'

/** State of an account; `invited` and `unconfirmed` accounts have no confirmed email yet. */
export const USER_STATES = ['active', 'disabled', 'invited', 'unconfirmed'] as const
export type UserState = (typeof USER_STATES)[number]

export interface UserFilter {
  state?: UserState | undefined
  /** Canonical. */
  emailPrefix?: string | undefined
  createdAfter?: Date | undefined
  createdBefore?: Date | undefined
}

/** The place of an account in a list: by its email where the list is one of a prefix, otherwise by its time and id. */
export type UserPlace = Pick<User, 'createdAt' | 'id'> | Pick<User, 'email'>

/** Behind every character that an email may have, so that a prefix is a range. */
const LAST_CHARACTER = '\u{10ffff}'

/** Conditions of the partial indexes in models.prisma: a database only uses such an index for the same condition. */
const STATES: Record<UserState, string> = {
  active: 'disabled_at IS NULL AND email_confirmed_at IS NOT NULL',
  disabled: 'disabled_at IS NOT NULL',
  invited: 'disabled_at IS NULL AND email_confirmed_at IS NULL AND invited_at IS NOT NULL',
  unconfirmed: 'disabled_at IS NULL AND email_confirmed_at IS NULL AND invited_at IS NULL',
}

/**
 * @param client the database
 * @param statements on the same database
 */
export function managedUsers(client: PrismaClient, { provider, read }: Statements) {
  // The order of the characters, of which a prefix is a range. PostgreSQL's own order depends on the language.
  const email = provider === 'postgresql' ? 'email COLLATE "C"' : 'email'

  interface Change {
    kind: AccountEventKind
    /** The email that notifies the owner. */
    mail?: OutboxKind
    /** Further changes in the same transaction. */
    also?(tx: Prisma.TransactionClient): Promise<unknown>
  }

  /** Changes an account that matches, and records it. Returns the account afterwards, or null if there is none. */
  const change = (
    where: Prisma.UserWhereInput & { id: string },
    data: Prisma.UserUpdateManyMutationInput,
    { kind, mail, also }: Change,
    now: Date,
    { actor, origin }: By,
  ): Promise<User | null> =>
    client.$transaction(async tx => {
      const { count } = await tx.user.updateMany({ where, data })
      const user = await tx.user.findUnique({ where: { id: where.id } })
      if (count === 0 || user === null) return user
      await also?.(tx)
      await insertEvent(runIn(tx), { userId: user.id, kind, at: now, origin, actor })
      const about = { recipient: user.email, userId: user.id, ...causedBy(origin) }
      if (mail) await insertMail(runIn(tx), { kind: mail, ...about }, now)
      return user
    })

  /** Reads an account and locks it until the transaction ends. */
  async function lockedUser(tx: Prisma.TransactionClient, id: string): Promise<User | null> {
    await lockAccount({ provider }, runIn(tx), id)
    return tx.user.findUnique({ where: { id } })
  }

  return {
    /**
     * One page of accounts: the newest first, or in the order of their emails where `emailPrefix` is given. Both orders
     * are those of an index, so that a page costs the same however many accounts there are.
     */
    list(filter: UserFilter, limit: number, after?: UserPlace): Promise<User[]> {
      const { state, emailPrefix, createdAfter, createdBefore } = filter
      const values: Value[] = []
      const value = (one: Value) => `$${values.push(one)}`
      const conditions = ['TRUE']
      if (state !== undefined) conditions.push(STATES[state])
      // LIKE would treat the underscores of an email as wildcards.
      if (emailPrefix !== undefined) {
        conditions.push(`${email} >= ${value(emailPrefix)}`)
        conditions.push(`${email} < ${value(emailPrefix + LAST_CHARACTER)}`)
      }
      if (createdAfter !== undefined) conditions.push(`created_at >= ${value(createdAfter)}`)
      if (createdBefore !== undefined) conditions.push(`created_at < ${value(createdBefore)}`)
      if (after !== undefined) {
        conditions.push(
          'email' in after
            ? `${email} > ${value(after.email)}`
            : `(created_at, id) < (${value(after.createdAt)}, ${value(after.id)})`,
        )
      }
      const order = emailPrefix === undefined ? 'created_at DESC, id DESC' : email
      return read<User>(
        `SELECT ${ACCOUNT} FROM users WHERE ${conditions.join(' AND ')} ORDER BY ${order} LIMIT ${value(limit)}`,
        values,
      )
    },

    /**
     * Creates an account without a usable password for an unconfirmed address, and queues the link that sets one.
     *
     * @returns undefined if the address has an account
     */
    invite(
      user: Pick<User, 'id' | 'email' | 'locale' | 'claims'>,
      now: Date,
      { actor, origin }: By,
    ): Promise<User | undefined> {
      const invitation = client.$transaction(async tx => {
        const dates = { invitedAt: now, createdAt: now, passwordChangedAt: now }
        const invited = await tx.user.create({
          data: { ...user, ...dates, passwordHash: unusablePassword(now) },
        })
        const { id: userId, email: recipient } = invited
        await insertEvent(runIn(tx), { userId, kind: 'invited', at: now, origin, actor })
        await insertMail(runIn(tx), { kind: 'invitation', recipient, userId, ...causedBy(origin) }, now)
        return invited
      })
      return undefinedOnConflict(invitation)
    },

    /** Queues the link of an invitation again, unless it was accepted. */
    inviteAgain: (id: string, now: Date, by: By) =>
      change(
        { id, emailConfirmedAt: null, invitedAt: { not: null }, disabledAt: null },
        { invitedAt: now },
        { kind: 'invited', mail: 'invitation' },
        now,
        by,
      ),

    /** A trigger revokes sessions and voids links, whichever statement disables the account. */
    disable: (id: string, now: Date, by: By) =>
      change({ id, disabledAt: null }, { disabledAt: now }, { kind: 'disabled' }, now, by),

    enable: (id: string, now: Date, by: By) =>
      change({ id, disabledAt: { not: null } }, { disabledAt: null }, { kind: 'enabled' }, now, by),

    /** Makes the password unusable, revokes every session and queues a reset link. */
    requireReset: (id: string, now: Date, by: By) =>
      change(
        { id },
        { passwordHash: unusablePassword(now) },
        {
          kind: 'reset_required',
          mail: 'reset_required',
          // The account is locked by now: a concurrent login has either stored its session or finds no password.
          async also(tx) {
            await endSessionsOf(tx, id)
            await tx.familiarNetwork.deleteMany({ where: { userId: id } })
          },
        },
        now,
        by,
      ),

    /** Resets the count of wrong passwords in every process: the date is part of the key of the count. */
    unlock: (id: string, now: Date, by: By) =>
      change({ id }, { unlockedAt: now }, { kind: 'unlocked' }, now, by),

    /** @param claims as formatted by `storedClaims` */
    setClaims: (id: string, claims: string | null, now: Date, by: By) =>
      change({ id }, { claims }, { kind: 'claims_changed' }, now, by),

    /** Revokes every session, including that of a concurrent login. Returns false if there is no account. */
    endSessions: (id: string, now: Date, { actor, origin }: By): Promise<boolean> =>
      client.$transaction(async tx => {
        if ((await lockedUser(tx, id)) === null) return false
        const { count } = await endSessionsOf(tx, id)
        const event = { userId: id, kind: 'session_ended' as const, at: now, origin, actor }
        if (count > 0) await insertEvent(runIn(tx), event)
        return true
      }),

    /** Records that an operator exports the data of an account. Returns the account, or null if there is none. */
    recordExport: (id: string, now: Date, { actor, origin }: By): Promise<User | null> =>
      client.$transaction(async tx => {
        const user = await lockedUser(tx, id)
        if (user) await insertEvent(runIn(tx), { userId: id, kind: 'exported', at: now, origin, actor })
        return user
      }),
  }
}
