/** A new session, and its pair of access and refresh token. */
import { v7 as uuidv7 } from 'uuid'
import type { Config } from '../config/config.ts'
import type { NewSession } from '../database/queries/sessions.ts'
import type { User } from '../database/queries/users.ts'
import { tokenClaims } from '../shared/claims.ts'
import type { AccountClaims } from '../tokens/access.ts'
import type { Tokens } from '../tokens/tokens.ts'
import { SETS_COOKIE } from './refresh-cookie.ts'
import type { TokenPair } from './token-pair.ts'

const IN_COOKIE: TokenPair = {
  accessToken: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIwMTkzNmYzZSJ9.c2lnbmF0dXJl',
  tokenType: 'Bearer',
  expiresIn: 900,
  refreshExpiresIn: 1_209_600,
}
const IN_BODY: TokenPair = { ...IN_COOKIE, refreshToken: 'AZNvPop3fDudDk8fLwxqVQ' }

export function tokenPairResponse(description: string) {
  return {
    description,
    headers: SETS_COOKIE,
    content: {
      'application/json': {
        schema: { $ref: 'TokenPair#' },
        examples: { body: { value: IN_BODY }, cookie: { value: IN_COOKIE } },
      },
    },
  }
}

/** Creates a session to store, and its first refresh token. */
export function newSession(
  tokens: Tokens,
  config: Config,
  now: Date,
): { session: NewSession; refreshToken: string } {
  const id = uuidv7()
  const { token, hash } = tokens.refresh.first(id)
  const { REFRESH_IDLE_TTL, REFRESH_TOKEN_TTL } = config
  const expiresAt = new Date(now.getTime() + Math.min(REFRESH_IDLE_TTL, REFRESH_TOKEN_TTL) * 1000)
  return {
    refreshToken: token,
    session: { id, refreshHash: hash, createdAt: now, refreshedAt: now, expiresAt },
  }
}

/** A session ends at the earlier of the idle and the absolute limit (NIST SP 800-63B-4). */
export const sessionLimits = (config: Config, now: Date) => ({
  idleUntil: new Date(now.getTime() + config.REFRESH_IDLE_TTL * 1000),
  /** Counted from the start of the session. */
  absoluteSeconds: config.REFRESH_TOKEN_TTL,
})

/** Returns what an access token says of its account when it is minted. */
export function accountClaims(
  config: Config,
  account: Pick<User, 'email' | 'emailConfirmedAt' | 'claims'>,
): AccountClaims {
  const { email, emailConfirmedAt, claims } = account
  const own = config.ACCESS_TOKEN_EMAIL === 'on' ? { email, email_verified: emailConfirmedAt !== null } : {}
  return { ...tokenClaims(claims), ...own }
}

export function tokenPair(
  tokens: Tokens,
  session: { id: string; userId: string; createdAt: Date; expiresAt: Date },
  claims: AccountClaims,
  refreshToken: string,
  now: Date,
): TokenPair {
  return {
    accessToken: tokens.access.mint(session, claims),
    tokenType: 'Bearer',
    expiresIn: tokens.access.ttl,
    refreshToken,
    refreshExpiresIn: Math.max(0, Math.floor((session.expiresAt.getTime() - now.getTime()) / 1000)),
  }
}
