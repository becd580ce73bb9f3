/**
 * POST /confirm-email and its resend: whoever read the mail sets the password.
 *
 * A click on the link alone confirms nothing, so a link scanner makes no account. No password from before
 * the proof of the mailbox counts, so nobody can plant one (pre-hijacking).
 */

import type { FastifyInstance } from 'fastify'
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
import { newSession, tokenPair, tokenPairResponse } from '../sessions/pair.ts'
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
    description: 'with the `requestToken` of the request and the `code` of the mail',
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
      summary: 'Confirm an address',
      description:
        'Takes the `token` of the link, or the `requestToken` of the response with the `code` of the mail, and the ' +
        'password that the account is to have. Answers with a session: it is the first login. Every other link and ' +
        'code of the address is spent from then on. A password that is refused spends nothing.',
      tags: ['registration'],
      security: [],
      body: ConfirmBody,
      response: {
        200: tokenPairResponse('The address is confirmed, and this is a session'),
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
    url: '/confirm-email/resend',
    onRequest: app.limit('mail'),
    schema: {
      operationId: 'resendConfirmation',
      summary: 'Ask for the confirmation mail again',
      description:
        'Always the same response. Mails a link and a code where something waits to be confirmed, once a minute ' +
        'at most.',
      tags: ['registration'],
      security: [],
      body: ResendBody,
      response: {
        202: accepted('confirmation_sent', 'A mail is on its way, if there is something to confirm'),
        ...problems(...BODY_PROBLEMS),
      },
    },
    handler: resend,
  })
}

const confirm: Handler<{ body: typeof ConfirmBody }, TokenPair> = async function (request, reply) {
  const { password, mode } = request.body
  const pending = await redeem(this, request.body)
  const passwordHash = await this.passwords.hash(password, request)
  const { session, refreshToken } = newSession(this.tokens, this.config, this.clock())
  const userId = await pending.confirm(passwordHash, session, originOf(request))
  if (userId === undefined) throw problem('token_spent')
  this.mail.wake()
  const subject = { account: userId, session: session.id }
  request.securityEvent(pending.event, subject)
  request.securityEvent('authn_login_success', subject)
  const pair = tokenPair(this.tokens, { ...session, userId }, refreshToken, session.createdAt)
  return this.refreshCookie.deliver(reply, pair, mode)
}

/** What a confirmation link or code can speak of: a registration, or an account. */
interface Pending {
  subject: Fingerprinted
  /** What the log calls it. */
  event: 'user_created' | 'authn_password_change'
  /** Confirms by compare-and-swap; the account's id, or undefined where another call was first. */
  confirm(passwordHash: string, session: NewSession, origin: Origin): Promise<string | undefined>
}

/** What the link or the code speaks of. Spends nothing, and a password that is refused not even a try. */
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

/** By id, as a link names it. */
async function pendingOf(app: FastifyInstance, id: string): Promise<Pending | undefined> {
  const { registrations, legacyRegistrations, users } = app.database
  const waiting = (await registrations.findById(id)) ?? (await legacyRegistrations.findById(id))
  return waiting ? ofRegistration(app, waiting) : ofAccount(app, await users.findById(id))
}

/** By address, as the mail found it (`composeMail`), with the same reads for every address. */
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
    confirm: async (passwordHash, ...first) =>
      (await app.database.registrations.confirm(waiting, { id: uuidv7(), passwordHash }, ...first))?.id,
  }
}

/** An account that was made unconfirmed (EMAIL_CONFIRMATION=off). */
function ofAccount(app: FastifyInstance, user: User | null): Pending | undefined {
  if (!user || user.emailConfirmedAt || user.disabledAt) return undefined
  return {
    subject: user,
    event: 'authn_password_change',
    confirm: async (...change) => ((await app.database.users.confirm(user, ...change)) ? user.id : undefined),
  }
}

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
