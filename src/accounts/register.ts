// POST /register never looks the account up: new, known and unconfirmed emails cost the same. No password is
// stored before the mailbox is proved, because it could be planted (pre-hijacking).
import type { FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { v7 as uuidv7 } from 'uuid'
import { BODY_PROBLEMS, problem, problems } from '../errors.ts'
import { preferredLanguage } from '../http/accept-language.ts'
import { causeOf, originOf } from '../http/origin.ts'
import type { App, Handler } from '../http/route-types.ts'
import { canonicalLocale, Locale } from '../messages/locale.ts'
import { LANGUAGES } from '../messages/messages.ts'
import { CandidatePassword, Password } from '../passwords/policy.ts'
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

/** Emails are retried for about a day. The registration must outlive the retries. */
const MAIL_RETRY_SECONDS = 2 * 24 * 60 * 60

export async function register(app: App) {
  const route = {
    method: 'POST' as const,
    url: '/register',
    onRequest: app.limit('register'),
  }
  const schema = {
    operationId: 'register',
    summary: 'Register an email',
    description:
      'Sends a link and a code to the email. The password is set by whoever opens the link, or ' +
      'enters the code with the `requestToken` of the response; that confirms the email and creates ' +
      'the account. The response is the same for new, known and unconfirmed emails. An optional ' +
      '`password` is checked against the policy and not stored. With `EMAIL_CONFIRMATION=off` it is ' +
      'required and stored, the account is created at once (201), and a known email is refused ' +
      '(409).',
    tags: ['registration'],
    security: [],
    response: {
      202: accepted('confirmation_sent', 'An email is being sent if the email can be registered'),
      201: userResponse('The account (`EMAIL_CONFIRMATION=off`)'),
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
      handler: createAccount,
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
  await this.database.registrations.store(
    { id: uuidv7(), email, locale, expiresAt, challengeId: requestId },
    now,
    causeOf(request),
  )
  this.mail.wake()
  return reply.code(202).send({ status: 'confirmation_sent', requestToken: token })
}

const createAccount: Handler<{ body: typeof AccountBody }> = async function (request, reply) {
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
  return {
    email: canonicalEmail(email),
    locale: canonicalLocale(locale) ?? preferredLanguage(request, LANGUAGES),
  }
}
