/**
 * POST /confirm-email and its resend: mailbox and password proved together.
 *
 * A click on the link alone activates nothing, so neither a link scanner nor the owner of an address can
 * be made to activate a password that somebody else chose.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { v7 as uuidv7 } from 'uuid'
import type { Origin } from '../database/events.ts'
import type { Registration } from '../database/registrations.ts'
import type { User } from '../database/users.ts'
import { BODY_PROBLEMS, problem, problems } from '../errors.ts'
import { checkPassword } from '../passwords/check.ts'
import { Password } from '../passwords/policy.ts'
import { MailedToken } from '../tokens/bound.ts'
import { type NewSession, newSession, type TokenPair, tokenPair, tokenPairResponse } from '../tokens/pair.ts'
import { CookieMode } from '../tokens/refresh-cookie.ts'
import { accepted } from './accepted.ts'
import { canonicalEmail, Email } from './email-address.ts'
import { originOf } from './origin.ts'

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
        'Takes the token from the mail and the password that was registered with it. Answers with a session: ' +
        'it is the first log in. Every other registration of the address is void from then on.',
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
          'invalid_credentials',
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
        'Always the same answer. Mails the link of the newest registration, once a minute at most.',
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
  if (pending === undefined || !verified.speaksOf(pending.row)) throw problem('token_spent')

  const { row } = pending
  const guess = {
    email: row.email,
    client: request,
    since: row.createdAt,
    stored: row.passwordHash,
    password,
  }
  if (!(await checkPassword(this, guess))) {
    throw problem('invalid_credentials', { detail: 'This is not the password of this registration.' })
  }

  const { session, refreshToken } = newSession(this.tokens, this.config, this.clock())
  const userId = await pending.confirm(session, originOf(request))
  if (userId === undefined) throw problem('token_spent')
  const pair = tokenPair(this.tokens, { ...session, userId }, refreshToken, session.createdAt)
  return this.refreshCookie.deliver(reply, pair, mode)
}

interface Pending {
  row: Registration | User
  /** Confirms by compare-and-swap; the account's id, or undefined where another call was first. */
  confirm(session: NewSession, origin: Origin): Promise<string | undefined>
}

/** What a confirmation link can speak of: a registration, or an account that was made unconfirmed. */
async function findPending(app: FastifyInstance, id: string): Promise<Pending | undefined> {
  const { registrations, users } = app.database
  const registration = await registrations.findById(id)
  if (registration) {
    return {
      row: registration,
      confirm: async (session, origin) =>
        (await registrations.confirm(registration, { id: uuidv7() }, session, origin))?.id,
    }
  }
  const user = await users.findById(id)
  if (!user || user.emailConfirmedAt || user.disabledAt) return undefined
  return {
    row: user,
    confirm: async (session, origin) => ((await users.confirm(user, session, origin)) ? user.id : undefined),
  }
}

async function resend(
  this: FastifyInstance,
  request: FastifyRequest<{ Body: Static<typeof ResendBody> }>,
  reply: FastifyReply,
) {
  const recipient = canonicalEmail(request.body.email)
  await this.database.outbox.file({ kind: 'confirmation_resend', recipient }, this.clock())
  this.mail.wake()
  return reply.code(202).send({ status: 'confirmation_sent' })
}
