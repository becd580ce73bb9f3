/** POST /login. An unknown email costs the same as a known one: the same reads, one hash, the same writes. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { isFreshlyFamiliar } from '../database/queries/familiar-networks.ts'
import type { LoggedIn, NewSession } from '../database/queries/sessions.ts'
import { BODY_PROBLEMS, isProblem, problem, problems } from '../errors.ts'
import { originOf } from '../http/origin.ts'
import type { App, Handler } from '../http/route-types.ts'
import { checkPassword } from '../passwords/check.ts'
import type { Client } from '../passwords/passwords.ts'
import { Password } from '../passwords/policy.ts'
import { canonicalEmail, Email } from '../shared/email-address.ts'
import { accountClaims, newSession, tokenPair, tokenPairResponse } from './pair.ts'
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
        'Opens a session. Without the right password, the response is the same for known, ' +
        'unconfirmed and unknown emails. After 4 failures for an email from one network, further ' +
        'attempts have to wait 1 second, doubling up to 15 minutes. After 99 failures from all ' +
        'networks together, so do attempts from networks that the account has not used in the last ' +
        '90 days. A password reset lets the owner in from a new network.',
      tags: ['session'],
      security: [],
      body: Body,
      response: {
        200: tokenPairResponse('A new session'),
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
  const credentials = await users.credentialsFor(email, request.ip)
  const { userId, emailConfirmedAt, familiarUntil, unlockedAt } = credentials

  if (userId !== null) request.subject = { account: userId }

  const stored = credentials.passwordHash ?? undefined
  const isFamiliar = familiarUntil !== null && familiarUntil > now
  const guess = { email, client: request, isFamiliar, unlockedAt, stored, password }
  if (!(await checkPassword(this, guess)) || userId === null) {
    // For every email, because the client's next request waits for this write (timing side channel).
    request.runAfterResponse(() => recordRefusal(this, userId, email, request))
    throw problem('invalid_credentials')
  }

  // Only a client that knows the password learns more.
  if (credentials.disabledAt) throw problem('account_disabled')
  if (!emailConfirmedAt && this.config.EMAIL_CONFIRMATION === 'required') throw problem('email_not_confirmed')

  const { session, refreshToken } = newSession(this.tokens, this.config, now)
  const networkIsRecorded = isFreshlyFamiliar(familiarUntil, now)
  const account = { id: userId, email, passwordHash: stored as string }
  const opened = await openSession(this, account, password, session, request, networkIsRecorded)
  if (opened === undefined) throw problem('invalid_credentials')
  if (opened.mailQueued) this.mail.wake()
  request.securityEvent('authn_login_success', { account: userId, session: session.id })
  const claims = accountClaims(this.config, { email, emailConfirmedAt, claims: opened.claims })
  const pair = tokenPair(this.tokens, { ...session, userId }, claims, refreshToken, now)
  return this.refreshCookie.deliver(reply, pair, mode)
}

// The stored hash may have changed during verification: by a reset, after which the login must fail, or by
// the hash upgrade of another login, after which it must succeed.
async function openSession(
  app: FastifyInstance,
  account: LoggedIn,
  password: string,
  session: NewSession,
  request: FastifyRequest,
  networkIsRecorded: boolean,
) {
  const { users, sessions } = app.database
  const origin = originOf(request)
  const upgrade = await strongerHash(app, account.passwordHash, password, request)
  const opened = await sessions.open(account, session, origin, { ...upgrade, networkIsRecorded })
  if (opened !== undefined) return opened
  const current = await users.findById(account.id)
  if (current?.email !== account.email) return undefined
  if (!(await app.passwords.verify(current.passwordHash, password, request))) return undefined
  return sessions.open(current, session, origin)
}

// An upgrade can wait for the next login: load shedding must not lock out everybody with an outdated hash.
async function strongerHash(app: FastifyInstance, stored: string, password: string, client: Client) {
  if (!app.passwords.isOutdated(stored)) return {}
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
  await app.database.events.recordInEqualTime({ ...event, origin })
}
