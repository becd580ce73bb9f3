/**
 * POST /login.
 *
 * An unknown address costs what a known one does: the same reads, one hash of today's cost, and as much to write.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { isFreshlyFamiliar } from '../database/queries/attempts.ts'
import type { NewSession } from '../database/queries/sessions.ts'
import type { User } from '../database/queries/users.ts'
import { BODY_PROBLEMS, isProblem, problem, problems } from '../errors.ts'
import type { App, Handler } from '../http/routes.ts'
import { checkPassword } from '../passwords/check.ts'
import type { Client } from '../passwords/passwords.ts'
import { Password } from '../passwords/policy.ts'
import { canonicalEmail, Email } from '../shared/email-address.ts'
import { originOf } from './origin.ts'
import { newSession, tokenPair, tokenPairResponse } from './pair.ts'
import { CookieMode } from './refresh-cookie.ts'
import type { TokenPair } from './token-pair.ts'

const EXAMPLE = { email: 'ada@example.org', password: 'correct horse battery staple' }

const Body = Type.Object(
  { email: Email, password: Password, mode: Type.Optional(CookieMode) },
  { additionalProperties: false, examples: [EXAMPLE, { ...EXAMPLE, mode: 'cookie' }] },
)

export async function login(app: App) {
  app.route({
    method: 'POST',
    url: '/login',
    config: { hashes: true },
    onRequest: app.limit('login'),
    preHandler: app.ownPageOnly,
    schema: {
      operationId: 'logIn',
      summary: 'Log in',
      description:
        'Opens a session. Without the right password the response is the same for every address: one that has an ' +
        'account, one that waits to be confirmed, and one that is unknown. From the fifth failure on, tries for ' +
        'the same address from the same network have to wait: one second, doubling up to 15 minutes. From the ' +
        'hundredth failure on, so have tries for the same address from all networks together, except those where ' +
        'a login, a reset or a confirmation of the account succeeded in the last 90 days. A password reset lets ' +
        'the owner in from a new network.',
      tags: ['session'],
      security: [],
      body: Body,
      response: {
        200: tokenPairResponse('A session'),
        ...problems(
          ...BODY_PROBLEMS,
          'invalid_credentials',
          'email_not_confirmed',
          'account_disabled',
          'origin_not_allowed',
        ),
      },
    },
    handler: logIn,
  })
}

const logIn: Handler<{ body: typeof Body }, TokenPair> = async function (request, reply) {
  const { password, mode } = request.body
  const email = canonicalEmail(request.body.email)
  const now = this.clock()
  const { users } = this.database
  const { userId, passwordHash, familiarUntil } = await users.credentialsFor(email, request.ip)

  if (userId !== null) request.subject = { account: userId }

  const stored = passwordHash ?? undefined
  const isFamiliar = familiarUntil !== null && familiarUntil > now
  const guess = { email, client: request, isFamiliar, stored, password }
  if (!(await checkPassword(this, guess)) || userId === null) {
    // For every address, since whoever asks something right after this answer waits for what is written then.
    request.runAfterResponse(() => recordRefusal(this, userId, email, request))
    throw problem('invalid_credentials')
  }

  // Only whoever knows the password learns more.
  const account = await users.findById(userId)
  // Moved while the password was verified: what was asked about is the address of nobody now.
  if (account?.email !== email) throw problem('invalid_credentials')
  // With the hash that the password was held against: a reset since must not let it in.
  const user = { ...account, passwordHash: stored as string }
  if (user.disabledAt) throw problem('account_disabled')
  if (!user.emailConfirmedAt && this.config.EMAIL_CONFIRMATION === 'required')
    throw problem('email_not_confirmed')

  const { session, refreshToken } = newSession(this.tokens, this.config, now)
  const networkIsRecorded = isFreshlyFamiliar(familiarUntil, now)
  const opened = await openSession(this, user, password, session, request, networkIsRecorded)
  if (opened === undefined) throw problem('invalid_credentials')
  if (opened.mailFiled) this.mail.wake()
  request.securityEvent('authn_login_success', { account: user.id, session: session.id })
  const pair = tokenPair(this.tokens, { ...session, userId: user.id }, refreshToken, now)
  return this.refreshCookie.deliver(reply, pair, mode)
}

/**
 * Opens the session, if the password is still good. The stored hash may have changed while it was being
 * verified: by a reset, after which it must not log in, or by another log in that upgraded the hash,
 * after which it must.
 */
async function openSession(
  app: FastifyInstance,
  user: User,
  password: string,
  session: NewSession,
  request: FastifyRequest,
  networkIsRecorded: boolean,
) {
  const { users, sessions } = app.database
  const origin = originOf(request)
  const upgrade = await strongerHash(app, user, password, request)
  const opened = await sessions.open(user, session, origin, { ...upgrade, networkIsRecorded })
  if (opened !== undefined) return opened
  const now = await users.findById(user.id)
  if (now === null || !(await app.passwords.verify(now.passwordHash, password, request))) return undefined
  return sessions.open(now, session, origin)
}

/**
 * A new hash of the same password, where the stored one was made with weaker parameters. It can wait for another log
 * in: a flood must not keep out everybody whose hash is older than the operator's last change.
 */
async function strongerHash(app: FastifyInstance, user: User, password: string, client: Client) {
  if (!app.passwords.isOutdated(user.passwordHash)) return {}
  try {
    return { passwordHash: await app.passwords.hash(password, client) }
  } catch (error) {
    if (isProblem(error) && error.code === 'overloaded') return {}
    throw error
  }
}

async function recordRefusal(
  app: FastifyInstance,
  userId: string | null,
  email: string,
  request: FastifyRequest,
) {
  const origin = originOf(request)
  if (!(await app.isRecordedRefusal({ email, ip: request.ip, device: origin.device }))) return
  const event = { userId, kind: 'log_in_refused' as const, at: app.clock() }
  await app.database.events.recordAlike({ ...event, origin })
}
