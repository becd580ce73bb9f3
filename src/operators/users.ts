/** Actions of operators on accounts, for their API and the command line. No operator sets or sees a password. */
import type { Readable } from 'node:stream'
import { v7 as uuidv7 } from 'uuid'
import { type DeletionNeeds, deleteAccount } from '../accounts/deletion.ts'
import { type ExportNeeds, exportOf } from '../accounts/export-document.ts'
import type { Database } from '../database/index.ts'
import type { FeedEvent } from '../database/queries/event-feed.ts'
import type { By } from '../database/queries/events.ts'
import type { UserFilter, UserPlace, UserState } from '../database/queries/managed-users.ts'
import type { Session } from '../database/queries/sessions.ts'
import type { User } from '../database/queries/users.ts'
import { problem } from '../errors.ts'
import { type Claims, MAX_CLAIMS_BYTES, REGISTERED_CLAIMS, storedClaims } from '../shared/claims.ts'

/** Dependencies of these functions. The caller wakes the mail worker, if there is one. */
interface UserNeeds extends DeletionNeeds {
  database: Pick<Database, 'users' | 'managedUsers' | 'deletions'>
}

/** An account with its sessions and latest events. */
export interface UserDetails {
  user: User
  /** Active sessions, the most recently used first. */
  sessions: Session[]
  /** The latest, oldest first. */
  events: Omit<FeedEvent, 'position'>[]
}

/** Events that are shown with an account. */
export const RECENT_EVENTS = 10

const notFound = () => problem('not_found', { detail: 'There is no such account.' })

function found(user: User | null): User {
  if (user === null) throw notFound()
  return user
}

export const stateOf = (user: User): UserState => {
  if (user.disabledAt !== null) return 'disabled'
  if (user.emailConfirmedAt !== null) return 'active'
  return user.invitedAt === null ? 'unconfirmed' : 'invited'
}

/**
 * Where a page of accounts begins: behind an account. It names the account's time, in milliseconds since 1970, and its
 * id; in a list of emails that begin alike, the email in base64url. 14 digits reach the year 5138.
 */
export const CURSOR = '^(\\d{1,14}_[0-9A-Za-z-]{1,36}|e_[0-9A-Za-z_-]{1,1400})$'
export const MAX_CURSOR = 1402

/**
 * A page of accounts: the newest first, or in the order of their emails where `emailPrefix` is given.
 *
 * @param filter `emailPrefix` as a person types it
 * @param cursor `nextCursor` of the previous page
 * @throws {ProblemError} `validation_failed` for the cursor of the other order
 */
export async function listUsers(
  { database }: Pick<UserNeeds, 'database'>,
  filter: UserFilter,
  cursor: string | undefined,
  limit: number,
): Promise<{ users: User[]; nextCursor: string | null }> {
  const isByEmail = filter.emailPrefix !== undefined
  // One more than requested shows whether there is another page.
  const rows = await database.managedUsers.list(
    // As canonical emails are written.
    { ...filter, emailPrefix: filter.emailPrefix?.trim().normalize('NFC').toLowerCase() },
    limit + 1,
    cursor === undefined ? undefined : placeIn(cursor, isByEmail),
  )
  const users = rows.slice(0, limit)
  const last = users.at(-1)
  if (rows.length <= limit || last === undefined) return { users, nextCursor: null }
  const nextCursor = isByEmail
    ? `e_${Buffer.from(last.email).toString('base64url')}`
    : `${last.createdAt.getTime()}_${last.id}`
  return { users, nextCursor }
}

function placeIn(cursor: string, isByEmail: boolean): UserPlace {
  const [, email, time, id = ''] = /^(?:e_(.+)|(\d+)_(.+))$/.exec(cursor) ?? []
  if ((email !== undefined) !== isByEmail) {
    const errors = [{ path: '/cursor', message: 'must be the cursor of a list with the same filters' }]
    throw problem('validation_failed', { errors })
  }
  if (email === undefined) return { createdAt: new Date(Number(time)), id }
  // PostgreSQL refuses the character zero.
  return { email: Buffer.from(email, 'base64url').toString().replaceAll('\0', '') }
}

/** @throws {ProblemError} `not_found`, as all functions here that take an id */
export const getUser = async ({ database }: Pick<UserNeeds, 'database'>, id: string): Promise<User> =>
  found(await database.users.findById(id))

/** What is shown of one account. */
export async function detailsOf(
  { database, clock }: { database: Pick<Database, 'sessions' | 'events'>; clock: () => Date },
  user: User,
): Promise<UserDetails> {
  const sessions = await database.sessions.listOf(user.id, clock())
  return { user, sessions, events: (await database.events.page(user.id, RECENT_EVENTS)).reverse() }
}

/**
 * Invites an address: it gets an account without a password and an email with a link that sets one. A person who
 * confirms a registration of the address meanwhile becomes this account.
 *
 * @param email canonical
 * @throws {ProblemError} `email_taken`, and what `assertClaims` throws
 */
export async function inviteUser(
  { database, clock }: UserNeeds,
  { email, locale, ...claims }: { email: string; locale: string | null } & Claims,
  by: By,
): Promise<User> {
  assertClaims(claims)
  const user = { id: uuidv7(), email, locale, claims: storedClaims(claims) }
  const invited = await database.managedUsers.invite(user, clock(), by)
  if (invited === undefined) throw problem('email_taken')
  return invited
}

type Act = (needs: UserNeeds, id: string, by: By) => Promise<User>

/** Sends the link of an invitation again; does nothing for an account with a confirmed email. */
export const inviteUserAgain: Act = async ({ database, clock }, id, by) =>
  found(await database.managedUsers.inviteAgain(id, clock(), by))

/** Revokes every session and link of the account for good, and refuses further logins. */
export const disableUser: Act = async ({ database, clock }, id, by) =>
  found(await database.managedUsers.disable(id, clock(), by))

/** Allows logins and resets again; sessions and links revoked by disabling stay revoked. */
export const enableUser: Act = async ({ database, clock }, id, by) =>
  found(await database.managedUsers.enable(id, clock(), by))

/** Requires a new password: the old one is unusable, every session is revoked, a reset link is sent. */
export const requireReset: Act = async ({ database, clock }, id, by) =>
  found(await database.managedUsers.requireReset(id, clock(), by))

/** Resets the back-off on wrong passwords in every process. The limits of a network stay. */
export const unlockUser: Act = async ({ database, clock }, id, by) =>
  found(await database.managedUsers.unlock(id, clock(), by))

/** @throws {ProblemError} what `assertClaims` throws */
export async function setClaims(
  { database, clock }: UserNeeds,
  id: string,
  claims: Claims,
  by: By,
): Promise<User> {
  assertClaims(claims)
  return found(await database.managedUsers.setClaims(id, storedClaims(claims), clock(), by))
}

/** Revokes every session of an account. */
export async function endSessions({ database, clock }: UserNeeds, id: string, by: By): Promise<void> {
  if (!(await database.managedUsers.endSessions(id, clock(), by))) throw notFound()
}

/** Deletes an account as its owner can, even a disabled one. */
export async function deleteUser(needs: UserNeeds, id: string, { actor, origin }: By): Promise<void> {
  // An account that changes concurrently is read again.
  for (let user = await getUser(needs, id); ; user = await getUser(needs, id)) {
    if (await deleteAccount(needs, user, origin, actor)) return
  }
}

/** All data of an account, as its owner can export it. The history records the export. */
export async function exportUser(needs: UserNeeds & ExportNeeds, id: string, by: By): Promise<Readable> {
  return exportOf(needs, found(await needs.database.managedUsers.recordExport(id, needs.clock(), by)))
}

/** @throws {ProblemError} `validation_failed` for a reserved name, and for more than 1 KiB */
function assertClaims(claims: Claims): void {
  const errors = Object.keys(claims.claims)
    .filter(name => REGISTERED_CLAIMS.has(name))
    .map(name => ({ path: `/claims/${name}`, message: 'must not be the name of a registered claim' }))
  if (Buffer.byteLength(storedClaims(claims) ?? '') > MAX_CLAIMS_BYTES) {
    errors.push({
      path: '/claims',
      message: `must not take more than ${MAX_CLAIMS_BYTES} bytes with the roles`,
    })
  }
  if (errors.length > 0) throw problem('validation_failed', { errors })
}
