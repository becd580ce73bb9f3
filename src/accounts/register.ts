/**
 * POST /register: a registration waits until the address is confirmed.
 *
 * The account is never looked up here: a new, a known and an unconfirmed address all cost one row and no
 * hash, and the mail that follows is decided when it is sent. No password is kept, because nobody has
 * proved the mailbox yet: a kept one could be planted in somebody else's account (pre-hijacking).
 */
import type { FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { v7 as uuidv7 } from 'uuid'
import { BODY_PROBLEMS, problem, problems } from '../errors.ts'
import type { App, Handler } from '../http/routes.ts'
import { canonicalLocale, Locale, preferredLanguage } from '../messages/locale.ts'
import { CandidatePassword, Password } from '../passwords/policy.ts'
import { causeOf, originOf } from '../sessions/origin.ts'
import { canonicalEmail, Email } from '../shared/email-address.ts'
import { accepted } from './accepted.ts'
import { publicUser, userResponse } from './public-user.ts'

const EMAIL_ALONE = { email: 'ada@example.org' }
const WITH_PASSWORD = { ...EMAIL_ALONE, password: 'correct horse battery staple' }

const Body = Type.Object(
  { email: Email, password: Type.Optional(CandidatePassword), locale: Type.Optional(Locale) },
  { additionalProperties: false, examples: [EMAIL_ALONE, WITH_PASSWORD] },
)
type Body = Static<typeof Body>

/** With EMAIL_CONFIRMATION=off. */
const AccountBody = Type.Object(
  { email: Email, password: Password, locale: Type.Optional(Locale) },
  { additionalProperties: false, examples: [WITH_PASSWORD] },
)

/** Mails are retried for about a day, and a registration must not expire before its link is sent. */
const MAIL_RETRY_SECONDS = 2 * 24 * 60 * 60

export async function register(app: App) {
  const route = {
    method: 'POST' as const,
    url: '/register',
    onRequest: app.limit('register'),
  }
  const schema = {
    operationId: 'register',
    summary: 'Register an address',
    description:
      'Mails a link and a code. Whoever opens the link, or enters the code with the `requestToken` of the response, ' +
      'sets the password, which confirms the address and makes the account. ' +
      'The response is the same for a new, a known and an unconfirmed address. A `password` is judged by the ' +
      'policy, so that its owner learns at once, and forgotten. With `EMAIL_CONFIRMATION=off` it is required and ' +
      'kept: the account is made at once (201), and a known address is a 409.',
    tags: ['registration'],
    security: [],
    response: {
      202: accepted('confirmation_sent', 'A mail is on its way, if the address can be registered'),
      201: userResponse('The account, where addresses need no confirmation'),
      ...problems(...BODY_PROBLEMS, 'email_taken', 'password_rejected'),
    },
  }
  if (app.config.EMAIL_CONFIRMATION === 'required') {
    app.route({ ...route, schema: { ...schema, body: Body }, handler: fileRegistration })
  } else {
    app.route({
      ...route,
      config: { hashes: true },
      schema: { ...schema, body: AccountBody },
      handler: makeAccount,
    })
  }
}

const fileRegistration: Handler<{ body: typeof Body }> = async function (request, reply) {
  const { password } = request.body
  const { email, locale } = applicant(request)
  if (password !== undefined) this.passwords.assertAcceptable(password, email)
  const now = this.clock()
  const expiresAt = new Date(now.getTime() + (this.config.CONFIRM_TOKEN_TTL + MAIL_RETRY_SECONDS) * 1000)
  const { token, requestId } = this.tokens.confirmRequest.mint(email, {})
  await this.database.registrations.file(
    { id: uuidv7(), email, locale, expiresAt, challengeId: requestId },
    now,
    causeOf(request),
  )
  this.mail.wake()
  return reply.code(202).send({ status: 'confirmation_sent', requestToken: token })
}

const makeAccount: Handler<{ body: typeof AccountBody }> = async function (request, reply) {
  const { password } = request.body
  const { email, locale } = applicant(request)
  this.passwords.assertAcceptable(password, email)
  const passwordHash = await this.passwords.hash(password, request)
  const user = await this.database.users.create(
    { id: uuidv7(), email, passwordHash, locale },
    this.clock(),
    originOf(request),
  )
  if (user === undefined) throw problem('email_taken')
  request.securityEvent('user_created', { account: user.id })
  return reply.code(201).send(publicUser(user))
}

function applicant(request: FastifyRequest<{ Body: Body }>) {
  const { email, locale } = request.body
  return { email: canonicalEmail(email), locale: canonicalLocale(locale) ?? preferredLanguage(request) }
}
