/** What operators do to accounts, for their API and the command line. No operator sets or sees a password. */
import type { Readable } from 'node:stream'
import { v7 as uuidv7 } from 'uuid'
import { type ExportNeeds, exportOf } from '../accounts/export-document.ts'
import type { Database } from '../database/index.ts'
import type { By } from '../database/queries/api-keys.ts'
import type { UserFilter, UserPlace, UserState } from '../database/queries/managed-users.ts'
import type { User } from '../database/queries/users.ts'
import { problem } from '../errors.ts'
import { type Claims, MAX_CLAIMS_BYTES, REGISTERED_CLAIMS, storedClaims } from '../shared/claims.ts'

/** What these functions need of the service. Whoever calls them wakes the mail worker, where there is one. */
export interface UserNeeds {
  database: Pick<Database, 'users' | 'managedUsers' | 'deletions'>
  clock: () => Date
  config: { SECURE_TOKEN_TTL: number }
}

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

/** Where a page of accounts begins: behind an account, whose time is in milliseconds since 1970. */
export const CURSOR = '^\\d{1,15}_[0-9A-Za-z-]{1,36}$'

/**
 * A page of accounts, the newest first.
 *
 * @param cursor `nextCursor` of the page before
 */
export async function listUsers(
  { database }: Pick<UserNeeds, 'database'>,
  filter: UserFilter,
  cursor: string | undefined,
  limit: number,
): Promise<{ users: User[]; nextCursor: string | null }> {
  // One more than asked for tells whether there is another page.
  const rows = await database.managedUsers.list(
    filter,
    limit + 1,
    cursor === undefined ? undefined : placeIn(cursor),
  )
  const users = rows.slice(0, limit)
  const last = users.at(-1)
  if (rows.length <= limit || last === undefined) return { users, nextCursor: null }
  return { users, nextCursor: `${last.createdAt.getTime()}_${last.id}` }
}

function placeIn(cursor: string): UserPlace {
  const [time, id = ''] = cursor.split('_', 2)
  return { createdAt: new Date(Number(time)), id }
}

/** @throws {ProblemError} `not_found`, as all functions here that take an id */
export const getUser = async ({ database }: Pick<UserNeeds, 'database'>, id: string): Promise<User> =>
  found(await database.users.findById(id))

/**
 * Invites an address: it gets an account without a password and an email with a link that sets one. Whoever confirms a
 * registration of the address meanwhile becomes this account.
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

/** Mails the link of an invitation again; nothing for an account that has confirmed its address. */
export const inviteUserAgain: Act = async ({ database, clock }, id, by) =>
  found(await database.managedUsers.inviteAgain(id, clock(), by))

/** Ends every session and link of the account, for good, and lets nobody in. */
export const disableUser: Act = async ({ database, clock }, id, by) =>
  found(await database.managedUsers.disable(id, clock(), by))

/** Lets the owner in again, by a login or a reset; what ended by disabling stays ended. */
export const enableUser: Act = async ({ database, clock }, id, by) =>
  found(await database.managedUsers.enable(id, clock(), by))

/** Makes the owner set a new password: the old one is unusable, every session ends, a reset link is mailed. */
export const requireReset: Act = async ({ database, clock }, id, by) =>
  found(await database.managedUsers.requireReset(id, clock(), by))

/** Lifts the back-off on wrong passwords, in every process. The limits of a network stay. */
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

/** Ends every session of an account. */
export async function endSessions({ database, clock }: UserNeeds, id: string, by: By): Promise<void> {
  if (!(await database.managedUsers.endSessions(id, clock(), by))) throw notFound()
}

/** Deletes an account as its owner can, a disabled one too. */
export async function deleteUser(needs: UserNeeds, id: string, { actor, origin }: By): Promise<void> {
  const { database, clock, config } = needs
  const now = clock()
  const undoable = new Date(now.getTime() + config.SECURE_TOKEN_TTL * 1000)
  // An account that changes at this moment is read anew.
  for (let user = await getUser(needs, id); ; user = await getUser(needs, id)) {
    if (await database.deletions.remove(user, now, origin, undoable, actor)) return
  }
}

/** All data of an account, as its owner can export it. The history says so. */
export async function exportUser(needs: UserNeeds & ExportNeeds, id: string, by: By): Promise<Readable> {
  return exportOf(needs, found(await needs.database.managedUsers.recordExport(id, needs.clock(), by)))
}

/** @throws {ProblemError} `validation_failed` for a name with a meaning of its own, and for more than 1 KiB */
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
