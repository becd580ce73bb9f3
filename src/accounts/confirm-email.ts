// POST /confirm-email and /confirm-email/resend. Only a password set after the mailbox is proved counts, so
// that nobody can plant one (pre-hijacking) and a link scanner confirms nothing.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { v7 as uuidv7 } from 'uuid'
import type { Origin } from '../database/queries/events.ts'
import type { LegacyRegistration, Registration } from '../database/queries/registrations.ts'
import type { NewSession } from '../database/queries/sessions.ts'
import type { User } from '../database/queries/users.ts'
import { BODY_PROBLEMS, problem, problems } from '../errors.ts'
import { type App, type Handler, oneOf } from '../http/routes.ts'
import { Password } from '../passwords/policy.ts'
import { causeOf, originOf } from '../sessions/origin.ts'
import { accountClaims, newSession, tokenPair, tokenPairResponse } from '../sessions/pair.ts'
import { CookieMode } from '../sessions/refresh-cookie.ts'
import type { TokenPair } from '../sessions/token-pair.ts'
import { canonicalEmail, Email } from '../shared/email-address.ts'
import { MailedToken } from '../tokens/bound.ts'
import { confirmable, type Fingerprinted } from '../tokens/fingerprint.ts'
import { accepted, EXAMPLE_TOKEN } from './accepted.ts'
import { byCode, redeemCode } from './mailed-code.ts'

const EXAMPLE = { token: EXAMPLE_TOKEN, password: 'correct horse battery staple' }

const rest = { password: Password, mode: Type.Optional(CookieMode) }
const ByLink = Type.Object(
  { token: MailedToken, ...rest },
  { additionalProperties: false, description: 'with the `token` of the link' },
)
const ByCode = Type.Object(
  { ...byCode, ...rest },
  {
    additionalProperties: false,
    description: 'with the `requestToken` of the request and the `code` of the email',
  },
)
const ConfirmBody = oneOf([ByLink, ByCode], {
  examples: [
    EXAMPLE,
    { ...EXAMPLE, mode: 'cookie' },
    { requestToken: EXAMPLE_TOKEN, code: '12345678', password: EXAMPLE.password },
  ],
})
type ConfirmBody = Static<typeof ConfirmBody>
const AcceptBody = Type.Object(
  { token: MailedToken, ...rest },
  { additionalProperties: false, examples: [EXAMPLE, { ...EXAMPLE, mode: 'cookie' }] },
)
const ResendBody = Type.Object(
  { email: Email },
  { additionalProperties: false, examples: [{ email: 'ada@example.org' }] },
)

export async function confirmEmail(app: App) {
  app.route({
    method: 'POST',
    url: '/confirm-email',
    config: { hashes: true },
    onRequest: app.limit('confirm'),
    preHandler: app.ownPageOnly,
    schema: {
      operationId: 'confirmEmail',
      summary: 'Confirm an email',
      description:
        'Needs the `token` of the link, or the `requestToken` of the request with the `code` of the ' +
        'email, and a password, which becomes the password of the account. Returns a session, the ' +
        'first login. All other links and codes for this email become invalid. A rejected password ' +
        'does not spend the token.',
      tags: ['registration'],
      security: [],
      body: ConfirmBody,
      response: {
        200: tokenPairResponse('The email is confirmed; the first session'),
        ...problems(
          ...BODY_PROBLEMS,
          'token_invalid',
          'token_expired',
          'token_spent',
          'code_invalid',
          'password_rejected',
          'origin_not_allowed',
        ),
      },
    },
    handler: confirm,
  })

  app.route({
    method: 'POST',
    url: '/invitation/accept',
    config: { hashes: true },
    onRequest: app.limit('confirm'),
    preHandler: app.ownPageOnly,
    schema: {
      operationId: 'acceptInvitation',
      summary: 'Accept an invitation',
      description:
        'Needs the token of the link in the invitation and the password of the account. Returns the first session. A ' +
        'rejected password does not spend the link.',
      tags: ['registration'],
      security: [],
      body: AcceptBody,
      response: {
        200: tokenPairResponse('The invitation is accepted and a session is open'),
        ...problems(
          ...BODY_PROBLEMS,
          'token_invalid',
          'token_expired',
          'token_spent',
          'password_rejected',
          'origin_not_allowed',
        ),
      },
    },
    handler: accept,
  })

  app.route({
    method: 'POST',
    url: '/confirm-email/resend',
    onRequest: app.limit('mail'),
    schema: {
      operationId: 'resendConfirmation',
      summary: 'Resend the confirmation email',
      description:
        'The response is always the same. Sends a link and a code if a registration is waiting, at ' +
        'most once a minute.',
      tags: ['registration'],
      security: [],
      body: ResendBody,
      response: {
        202: accepted('confirmation_sent', 'An email is being sent if a registration is waiting'),
        ...problems(...BODY_PROBLEMS),
      },
    },
    handler: resend,
  })
}

const confirm: Handler<{ body: typeof ConfirmBody }, TokenPair> = async function (request, reply) {
  return finish(this, request, reply, await redeem(this, request.body))
}

const accept: Handler<{ body: typeof AcceptBody }, TokenPair> = async function (request, reply) {
  const verified = this.tokens.invitation.verify(request.body.token)
  const user = await this.database.users.findById(verified.subject)
  const pending = user && isInvited(user) ? ofAccount(this, user) : undefined
  if (pending === undefined || !verified.matches(pending.subject)) throw problem('token_spent')
  this.passwords.assertAcceptable(request.body.password, pending.subject.email)
  return finish(this, request, reply, pending)
}

type First = { body: { password: string; mode?: 'cookie' } } & FastifyRequest

/** Sets the password and opens the first session. */
async function finish(
  app: FastifyInstance,
  request: First,
  reply: FastifyReply,
  pending: Pending,
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

/** The registration or unconfirmed account of a link or code. */
interface Pending {
  subject: Fingerprinted
  event: 'user_created' | 'authn_password_change'
  /** Compare-and-swap. Returns the account, or undefined if another call was first. */
  confirm(
    passwordHash: string,
    session: NewSession,
    origin: Origin,
  ): Promise<Pick<User, 'id' | 'claims'> | undefined>
}

/** Spends nothing. A rejected password does not even count as an attempt. */
async function redeem(app: FastifyInstance, body: ConfirmBody): Promise<Pending> {
  const { password } = body
  if ('requestToken' in body) {
    return redeemCode(app, app.tokens.confirmRequest, body, {
      assertAcceptable: ({ email }) => app.passwords.assertAcceptable(password, email),
      find: ({ email }) => pendingAt(app, email),
    })
  }
  const verified = app.tokens.confirm.verify(body.token)
  const pending = await pendingOf(app, verified.subject)
  if (pending === undefined || !verified.matches(pending.subject)) throw problem('token_spent')
  app.passwords.assertAcceptable(password, pending.subject.email)
  return pending
}

async function pendingOf(app: FastifyInstance, id: string): Promise<Pending | undefined> {
  const { registrations, legacyRegistrations, users } = app.database
  const waiting = (await registrations.findById(id)) ?? (await legacyRegistrations.findById(id))
  return waiting ? ofRegistration(app, waiting) : ofAccount(app, await users.findById(id))
}

/** Makes the same reads for every email. */
async function pendingAt(app: FastifyInstance, email: string): Promise<Pending | undefined> {
  const { registrations, legacyRegistrations, users } = app.database
  const now = app.clock()
  const user = await users.findByEmail(email)
  const registration = await registrations.findByEmail(email, now)
  const legacy = await legacyRegistrations.newestFor(email, now)
  if (user) return ofAccount(app, user)
  const waiting = registration ?? legacy
  return waiting ? ofRegistration(app, waiting) : undefined
}

function ofRegistration(app: FastifyInstance, waiting: Registration | LegacyRegistration): Pending {
  return {
    subject: 'passwordHash' in waiting ? waiting : confirmable(waiting),
    event: 'user_created',
    async confirm(passwordHash, ...first) {
      const { registrations, users } = app.database
      const created = await registrations.confirm(waiting, { id: uuidv7(), passwordHash }, ...first)
      if (created !== undefined) return created
      // An operator invited the address after the link was sent: its owner becomes that account.
      const user = await users.findByEmail(waiting.email)
      if (!user || !isInvited(user) || !(await users.confirm(user, passwordHash, ...first))) return undefined
      return user
    },
  }
}

/** With EMAIL_CONFIRMATION=off. */
function ofAccount(app: FastifyInstance, user: User | null): Pending | undefined {
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

const resend: Handler<{ body: typeof ResendBody }> = async function (request, reply) {
  const recipient = canonicalEmail(request.body.email)
  const { token, requestId } = this.tokens.confirmRequest.mint(recipient, {})
  await this.database.outbox.file(
    { kind: 'confirmation_resend', recipient, challengeId: requestId, ...causeOf(request) },
    this.clock(),
  )
  this.mail.wake()
  return reply.code(202).send({ status: 'confirmation_sent', requestToken: token })
}
