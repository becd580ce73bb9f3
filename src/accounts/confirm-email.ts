/**
 * POST /confirm-email and its resend: whoever read the mail sets the password.
 *
 * A click on the link alone confirms nothing, so a link scanner makes no account. No password from before
 * the proof of the mailbox counts, so nobody can plant one (pre-hijacking).
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { v7 as uuidv7 } from 'uuid'
import type { Origin } from '../database/events.ts'
import { BODY_PROBLEMS, problem, problems } from '../errors.ts'
import { Password } from '../passwords/policy.ts'
import { MailedToken } from '../tokens/bound.ts'
import { confirmable, type Fingerprinted } from '../tokens/fingerprint.ts'
import { type NewSession, newSession, type TokenPair, tokenPair, tokenPairResponse } from '../tokens/pair.ts'
import { CookieMode } from '../tokens/refresh-cookie.ts'
import { accepted } from './accepted.ts'
import { canonicalEmail, Email } from './email-address.ts'
import { causeOf, originOf } from './origin.ts'

const EXAMPLE = {
  token: 'eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJjb25maXJtIn0.c2lnbmF0dXJl',
  password: 'correct horse battery staple',
}

const ConfirmBody = Type.Object(
  { token: MailedToken, password: Password, mode: Type.Optional(CookieMode) },
  { additionalProperties: false, examples: [EXAMPLE, { ...EXAMPLE, mode: 'cookie' }] },
)
const ResendBody = Type.Object(
  { email: Email },
  { additionalProperties: false, examples: [{ email: 'ada@example.org' }] },
)

export async function confirmEmail(app: FastifyInstance) {
  app.route<{ Body: Static<typeof ConfirmBody> }>({
    method: 'POST',
    url: '/confirm-email',
    onRequest: app.limit('confirm'),
    preHandler: app.ownPageOnly,
    schema: {
      operationId: 'confirmEmail',
      summary: 'Confirm an address',
      description:
        'Takes the token from the mail and the password that the account is to have. Answers with a session: ' +
        'it is the first login. Every other link of the address is spent from then on. A password that is refused ' +
        'spends nothing.',
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
          'password_rejected',
          'origin_not_allowed',
        ),
      },
    },
    handler: confirm,
  })

  app.route<{ Body: Static<typeof ResendBody> }>({
    method: 'POST',
    url: '/confirm-email/resend',
    onRequest: app.limit('mail'),
    schema: {
      operationId: 'resendConfirmation',
      summary: 'Ask for the confirmation mail again',
      description:
        'Always the same response. Mails a link where something waits to be confirmed, once a minute at most.',
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

async function confirm(
  this: FastifyInstance,
  request: FastifyRequest<{ Body: Static<typeof ConfirmBody> }>,
  reply: FastifyReply,
): Promise<TokenPair> {
  const { token, password, mode } = request.body
  const verified = this.tokens.confirm.verify(token)
  const pending = await findPending(this, verified.subject)
  if (pending === undefined || !verified.speaksOf(pending.subject)) throw problem('token_spent')
  // Before anything is spent: a refused password leaves the link good.
  this.passwords.assertAcceptable(password, pending.subject.email)

  const passwordHash = await this.passwords.hash(password, request)
  const { session, refreshToken } = newSession(this.tokens, this.config, this.clock())
  const userId = await pending.confirm(passwordHash, session, originOf(request))
  if (userId === undefined) throw problem('token_spent')
  this.mail.wake()
  const pair = tokenPair(this.tokens, { ...session, userId }, refreshToken, session.createdAt)
  return this.refreshCookie.deliver(reply, pair, mode)
}

/** What a confirmation link can speak of. */
interface Pending {
  subject: Fingerprinted
  /** Confirms by compare-and-swap; the account's id, or undefined where another call was first. */
  confirm(passwordHash: string, session: NewSession, origin: Origin): Promise<string | undefined>
}

/** A registration, or an account that was made unconfirmed (EMAIL_CONFIRMATION=off). */
async function findPending(app: FastifyInstance, id: string): Promise<Pending | undefined> {
  const { registrations, legacyRegistrations, users } = app.database
  const registration = await registrations.findById(id)
  const legacy = registration === null ? await legacyRegistrations.findById(id) : null
  const waiting = registration ?? legacy
  if (waiting !== null) {
    return {
      subject: legacy ?? confirmable(waiting),
      confirm: async (passwordHash, ...first) =>
        (await registrations.confirm(waiting, { id: uuidv7(), passwordHash }, ...first))?.id,
    }
  }
  const user = await users.findById(id)
  if (!user || user.emailConfirmedAt || user.disabledAt) return undefined
  return {
    subject: user,
    confirm: async (...change) => ((await users.confirm(user, ...change)) ? user.id : undefined),
  }
}

async function resend(
  this: FastifyInstance,
  request: FastifyRequest<{ Body: Static<typeof ResendBody> }>,
  reply: FastifyReply,
) {
  const recipient = canonicalEmail(request.body.email)
  await this.database.outbox.file(
    { kind: 'confirmation_resend', recipient, ...causeOf(request) },
    this.clock(),
  )
  this.mail.wake()
  return reply.code(202).send({ status: 'confirmation_sent' })
}
