// Accounts that wait for their first password: registrations, invitations, and accounts of EMAIL_CONFIRMATION=off, whose
// earlier password proved nothing. The password that is set with a proof of the mailbox opens the first session.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { v7 as uuidv7 } from 'uuid'
import type { Origin } from '../database/queries/events.ts'
import type { LegacyRegistration, Registration } from '../database/queries/registrations.ts'
import type { NewSession } from '../database/queries/sessions.ts'
import type { User } from '../database/queries/users.ts'
import { problem } from '../errors.ts'
import { originOf } from '../http/origin.ts'
import { accountClaims, newSession, tokenPair } from '../sessions/pair.ts'
import type { TokenPair } from '../sessions/token-pair.ts'
import { confirmable, type Fingerprinted } from '../tokens/fingerprint.ts'

/** What a link or code is for, and how it becomes an account with a password. */
export interface PendingAccount {
  subject: Fingerprinted
  event: 'user_created' | 'authn_password_change'
  /** Compare-and-swap. Returns the account, or undefined if another call was first. */
  confirm(
    passwordHash: string,
    session: NewSession,
    origin: Origin,
  ): Promise<Pick<User, 'id' | 'claims'> | undefined>
}

/** The registration or account of a confirmation link. */
export async function pendingById(app: FastifyInstance, id: string): Promise<PendingAccount | undefined> {
  const { registrations, legacyRegistrations, users } = app.database
  const waiting = (await registrations.findById(id)) ?? (await legacyRegistrations.findById(id))
  return waiting ? ofRegistration(app, waiting) : ofAccount(app, await users.findById(id))
}

/** The registration or account of an email. Makes the same reads for every email. */
export async function pendingByEmail(
  app: FastifyInstance,
  email: string,
): Promise<PendingAccount | undefined> {
  const { registrations, legacyRegistrations, users } = app.database
  const now = app.clock()
  const user = await users.findByEmail(email)
  const registration = await registrations.findByEmail(email, now)
  const legacy = await legacyRegistrations.newestFor(email, now)
  if (user) return ofAccount(app, user)
  const waiting = registration ?? legacy
  return waiting ? ofRegistration(app, waiting) : undefined
}

/** The account of an invitation that nobody has accepted. */
export async function pendingInvitation(
  app: FastifyInstance,
  id: string,
): Promise<PendingAccount | undefined> {
  const user = await app.database.users.findById(id)
  return user && isInvited(user) ? ofAccount(app, user) : undefined
}

/**
 * Sets the password and opens the first session.
 * @throws {ProblemError} `token_spent` if another call was first
 */
export async function setFirstPassword(
  app: FastifyInstance,
  request: FastifyRequest & { body: { password: string; mode?: 'cookie' } },
  reply: FastifyReply,
  pending: PendingAccount,
): Promise<TokenPair> {
  const { password, mode } = request.body
  const passwordHash = await app.passwords.hash(password, request)
  const { session, refreshToken } = newSession(app.tokens, app.config, app.clock())
  const confirmed = await pending.confirm(passwordHash, session, originOf(request))
  if (confirmed === undefined) throw problem('token_spent')
  const { id: userId } = confirmed
  app.mail.wake()
  const subject = { account: userId, session: session.id }
  request.securityEvent(pending.event, subject)
  request.securityEvent('authn_login_success', subject)
  const { createdAt } = session
  const account = { email: pending.subject.email, emailConfirmedAt: createdAt, claims: confirmed.claims }
  const claims = accountClaims(app.config, account)
  const pair = tokenPair(app.tokens, { ...session, userId }, claims, refreshToken, createdAt)
  return app.refreshCookie.deliver(reply, pair, mode)
}

function ofRegistration(app: FastifyInstance, waiting: Registration | LegacyRegistration): PendingAccount {
  return {
    subject: 'passwordHash' in waiting ? waiting : confirmable(waiting),
    event: 'user_created',
    async confirm(passwordHash, ...first) {
      const { registrations, users } = app.database
      const created = await registrations.confirm(waiting, { id: uuidv7(), passwordHash }, ...first)
      if (created !== undefined) return created
      // An operator invited the address after the link was sent: its owner becomes that account. Disabling the account
      // voids the link, also once the account is enabled again.
      const user = await users.findByEmail(waiting.email)
      if (
        !user ||
        !isInvited(user) ||
        user.disabledCount > 0 ||
        !(await users.confirm(user, passwordHash, ...first))
      )
        return undefined
      return user
    },
  }
}

/** An invitation, or an account of EMAIL_CONFIRMATION=off. */
function ofAccount(app: FastifyInstance, user: User | null): PendingAccount | undefined {
  if (!user || user.emailConfirmedAt || user.disabledAt) return undefined
  return {
    subject: user,
    event: isInvited(user) ? 'user_created' : 'authn_password_change',
    confirm: async (...change) => ((await app.database.users.confirm(user, ...change)) ? user : undefined),
  }
}

/** Whether nobody has accepted the invitation of the address yet. */
const isInvited = (user: User) =>
  user.invitedAt !== null && user.emailConfirmedAt === null && user.disabledAt === null
