/**
 * POST /register: a registration waits until the address is confirmed.
 *
 * The account is never looked up here: a new, a known and an unconfirmed address all cost one hash and
 * one row, and the mail that follows is decided when it is sent.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { v7 as uuidv7 } from 'uuid'
import { BODY_PROBLEMS, problem, problems } from '../errors.ts'
import { Password } from '../passwords/policy.ts'
import { accepted } from './accepted.ts'
import { canonicalEmail, Email } from './email-address.ts'
import { canonicalLocale, Locale, preferredLanguage } from './locale.ts'
import { originOf } from './origin.ts'
import { publicUser, userResponse } from './public-user.ts'

const Body = Type.Object(
  { email: Email, password: Password, locale: Type.Optional(Locale) },
  {
    additionalProperties: false,
    examples: [{ email: 'ada@example.org', password: 'correct horse battery staple' }],
  },
)

/** Mails are retried for about a day, and a registration must not run out before its link is sent. */
const MAIL_RETRY_SECONDS = 2 * 24 * 60 * 60

export async function register(app: FastifyInstance) {
  const confirmed = app.config.EMAIL_CONFIRMATION === 'required'
  app.route<{ Body: Static<typeof Body> }>({
    method: 'POST',
    url: '/register',
    onRequest: app.limit('register'),
    schema: {
      operationId: 'register',
      summary: 'Register an address',
      description:
        'Mails a link that, together with the password, confirms the address and makes the account. The answer ' +
        'is the same for a new, a known and an unconfirmed address. With `EMAIL_CONFIRMATION=off` the account is ' +
        'made at once (201), and a known address is a 409.',
      tags: ['registration'],
      security: [],
      body: Body,
      response: {
        202: accepted('confirmation_sent', 'A mail is on its way, if the address can be registered'),
        201: userResponse('The account, where addresses need no confirmation'),
        ...problems(...BODY_PROBLEMS, 'email_taken', 'password_rejected'),
      },
    },
    handler: confirmed ? fileRegistration : makeAccount,
  })
}

type Request = FastifyRequest<{ Body: Static<typeof Body> }>

async function fileRegistration(this: FastifyInstance, request: Request, reply: FastifyReply) {
  const { email, passwordHash, locale } = await prepare(this, request)
  const now = this.clock()
  const expiresAt = new Date(now.getTime() + (this.config.CONFIRM_TOKEN_TTL + MAIL_RETRY_SECONDS) * 1000)
  await this.database.registrations.file({ id: uuidv7(), email, passwordHash, locale, expiresAt }, now)
  this.mail.wake()
  return reply.code(202).send({ status: 'confirmation_sent' })
}

async function makeAccount(this: FastifyInstance, request: Request, reply: FastifyReply) {
  const { email, passwordHash, locale } = await prepare(this, request)
  const user = await this.database.users.create(
    { id: uuidv7(), email, passwordHash, locale },
    this.clock(),
    originOf(request),
  )
  if (user === undefined) throw problem('email_taken')
  return reply.code(201).send(publicUser(user))
}

async function prepare(app: FastifyInstance, request: Request) {
  const { body } = request
  const email = canonicalEmail(body.email)
  const locale = canonicalLocale(body.locale) ?? preferredLanguage(request)
  app.passwords.assertAcceptable(body.password, email)
  return { email, locale, passwordHash: await app.passwords.hash(body.password, request) }
}
