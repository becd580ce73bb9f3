/**
 * Cookie mode: the refresh token in a cookie that no script can read, for browsers. A script that got
 * into the page can then use the session while the page is open, but cannot carry it away.
 *
 * Only requests that say `"mode": "cookie"` touch the cookie; src/http/csrf.ts decides which may.
 */
import cookie from '@fastify/cookie'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import Type from 'typebox'
import { basePath } from '../config/urls.ts'
import { TokenPair } from './token-pair.ts'

declare module 'fastify' {
  interface FastifyInstance {
    refreshCookie: RefreshCookie
  }
}

/** The body property that asks for cookie mode. */
export const CookieMode = Type.Literal('cookie', {
  description: 'for browsers: the refresh token goes into a cookie, and is absent from the body',
})

/**
 * Browsers take a name that begins with `__Secure-` only with `Secure`, over https (RFC 6265bis section
 * 4.1.3.1), so that nobody on the network plants one. `__Host-` would keep sibling subdomains from that,
 * too, but would send the token with every request.
 */
export const REFRESH_COOKIE = '__Secure-latchkey-refresh'

/** For the document: the header field that cookie mode adds to an answer. */
export const SETS_COOKIE = {
  'Set-Cookie': {
    type: 'string',
    maxLength: 1024,
    description: `in cookie mode alone: \`${REFRESH_COOKIE}\` with the refresh token, or cleared`,
  },
}

/** What flows do with the cookie. */
export interface RefreshCookie {
  /** The token of the request's cookie; undefined where there is none. */
  read(request: FastifyRequest): string | undefined
  /** The answer for a session: whole, or in cookie mode with the refresh token moved into the cookie. */
  deliver(reply: FastifyReply, pair: TokenPair, mode: 'cookie' | undefined): TokenPair
  /** Makes the browser forget the cookie. */
  clear(reply: FastifyReply): void
}

async function refreshCookie(app: FastifyInstance) {
  app.addSchema(TokenPair)
  // Without its hook: a cookie that nobody asked for is not even parsed.
  await app.register(cookie, { hook: false })

  const attributes = {
    httpOnly: true,
    secure: true,
    sameSite: 'strict',
    // As browsers see it, in front of a proxy that cuts a prefix off. No Domain: this host alone.
    path: `${basePath(app.config.APP_URL)}/token/refresh`,
  } as const

  app.decorate('refreshCookie', {
    read: request => tokenIn(request.headers.cookie),
    deliver(reply, pair, mode) {
      const { refreshToken, ...rest } = pair
      if (mode === undefined || refreshToken === undefined) return pair
      reply.setCookie(REFRESH_COOKIE, refreshToken, { ...attributes, maxAge: pair.refreshExpiresIn })
      return rest
    },
    clear: reply => void reply.clearCookie(REFRESH_COOKIE, attributes),
  })
}

/**
 * The cookie's value, letter by letter: a token has no character that would be encoded. Of two cookies of
 * the name a sibling subdomain has planted one, maybe with a session of its own, and nothing tells which
 * (RFC 6265 section 8.6). Together they are no token.
 */
function tokenIn(header = ''): string | undefined {
  const values = header
    .split(';')
    .map(pair => pair.trim())
    .filter(pair => pair.startsWith(`${REFRESH_COOKIE}=`))
    .map(pair => pair.slice(REFRESH_COOKIE.length + 1))
  return values.length === 0 ? undefined : values.join(';')
}

export default fp(refreshCookie, { name: 'refresh-cookie' })
