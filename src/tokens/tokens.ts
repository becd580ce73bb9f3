/** All tokens and codes of the service, one constructor for each purpose. Decorates the app with `tokens`. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import Type from 'typebox'
import { LONGEST_MAIL_WAIT } from '../shared/mail-wait.ts'
import { type AccessTokens, accessTokens } from './access.ts'
import { accessKeys } from './access-keys.ts'
import { type BoundTokens, boundTokens } from './bound.ts'
import { type Codes, codes } from './codes.ts'
import { EmailClaim } from './jwt.ts'
import { loadSecrets } from './keys.ts'
import { type MailRequests, mailRequests } from './mail-requests.ts'
import { type RecipientId, recipientIds } from './recipient.ts'
import { type RefreshTokens, refreshTokens } from './refresh.ts'

declare module 'fastify' {
  interface FastifyInstance {
    tokens: Tokens
  }
}

/** Signing and verification by purpose. A token of one purpose is invalid for every other. */
export interface Tokens {
  access: AccessTokens
  refresh: RefreshTokens
  /** Confirms an email and sets a password. Pages show the `email`; tokens of the previous release have none. */
  confirm: BoundTokens<{ email?: string }>
  /** Accepts an invitation and sets the first password. */
  invitation: BoundTokens<{ email: string }>
  /** Sets a new password. */
  reset: BoundTokens
  /** Identifies a reset request, for the code in its email. */
  resetRequest: MailRequests
  /** Identifies a request for a confirmation email. */
  confirmRequest: MailRequests
  /** Identifies a change of email; `account` is the id of the account that requested it. */
  changeEmailRequest: MailRequests<{ account: string }>
  /** Changes the password, together with an emailed code; bound to a session. */
  change: BoundTokens<{ sid: string; jti: string }>
  changeCode: Codes
  /** Changes the email of an account to the one in the claims. */
  changeEmail: BoundTokens<{ email: string }>
  /** "This was not me". The subject of its fingerprint is `securable`. */
  secure: BoundTokens<{ notice: number }>
  /** Id of an email recipient that does not contain the email. */
  recipientId: RecipientId
}

const Id = Type.String({ minLength: 36, maxLength: 36 })

async function tokens(app: FastifyInstance) {
  const { config, clock } = app
  const secrets = await loadSecrets(config)
  const bound = <Own extends Record<string, Type.TSchema>>(audience: string, ttl: number, claims: Own) =>
    boundTokens(app, secrets, clock, { audience, ttl, claims })
  // The email with the code may have to wait for its recipient's turn.
  const wait = config.RATE_LIMIT === 'on' ? LONGEST_MAIL_WAIT : 0
  const requests = <Own extends Record<string, Type.TSchema>>(audience: string, ttl: number, claims: Own) =>
    mailRequests(app, secrets, clock, { audience, ttl, claims, wait })

  app.decorate('tokens', {
    access: await accessTokens(app, accessKeys(config, secrets), secrets, clock, {
      ttl: config.ACCESS_TOKEN_TTL,
      algorithm: config.ACCESS_TOKEN_ALG,
      issuer: config.APP_URL,
      audience: config.ACCESS_TOKEN_AUDIENCE ?? config.APP_URL,
      clientId: config.ACCESS_TOKEN_CLIENT_ID,
    }),
    refresh: refreshTokens(secrets),
    confirm: await bound('confirm', config.CONFIRM_TOKEN_TTL, {
      email: Type.Optional(EmailClaim),
    }),
    invitation: await bound('invitation', config.INVITATION_TOKEN_TTL, { email: EmailClaim }),
    reset: await bound('reset', config.RESET_TOKEN_TTL, {}),
    resetRequest: await requests('reset-request', config.RESET_TOKEN_TTL, {}),
    confirmRequest: await requests('confirm-request', config.CONFIRM_TOKEN_TTL, {}),
    changeEmailRequest: await requests('email-change-request', config.CONFIRM_TOKEN_TTL, { account: Id }),
    change: await bound('password-change', config.CHANGE_CODE_TTL, { sid: Id, jti: Id }),
    changeCode: codes(secrets, 'password-change', 6),
    changeEmail: await bound('email-change', config.CONFIRM_TOKEN_TTL, { email: EmailClaim }),
    secure: await bound('secure', config.SECURE_TOKEN_TTL, {
      // Time of the notice in milliseconds since 1970: older notices outrank newer ones.
      notice: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    }),
    recipientId: recipientIds(secrets[0]),
  })
}

export default fp(tokens, { name: 'tokens' })
