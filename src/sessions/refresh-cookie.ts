// Cookie mode: keeps the refresh token in an HttpOnly cookie, so that injected scripts cannot take it away.
// Only requests with `"mode": "cookie"` use it, from the origins that http/csrf.ts allows.
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

export const CookieMode = Type.Literal('cookie', {
  description: 'for browsers: the refresh token is in a cookie instead of the body',
})

// Browsers accept `__Secure-` only with `Secure` over https (RFC 6265bis, section 4.1.3.1), so nobody on the
// network can plant one. `__Host-` would send the cookie with every request, because it requires Path=/.
export const REFRESH_COOKIE = '__Secure-latchkey-refresh'

export const SETS_COOKIE = {
  'Set-Cookie': {
    type: 'string',
    maxLength: 1024,
    description: `in cookie mode alone: \`${REFRESH_COOKIE}\` with the refresh token, or cleared`,
  },
}

interface RefreshCookie {
  read(request: FastifyRequest): string | undefined
  /** Returns the response body; in cookie mode the refresh token is in the cookie instead. */
  deliver(reply: FastifyReply, pair: TokenPair, mode: 'cookie' | undefined): TokenPair
  clear(reply: FastifyReply): void
}

async function refreshCookie(app: FastifyInstance) {
  app.addSchema(TokenPair)
  // Without its hook, which would parse the cookies of every request.
  await app.register(cookie, { hook: false })

  const attributes = {
    httpOnly: true,
    secure: true,
    sameSite: 'strict',
    // The path as browsers see it, in front of a proxy that strips a prefix. No Domain, so this host alone.
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

// With two cookies of the name, a sibling subdomain has planted one, and they cannot be told apart (RFC 6265, section
// 8.6): together they count as no token.
function tokenIn(header = ''): string | undefined {
  const values = header
    .split(';')
    .map(pair => pair.trim())
    .filter(pair => pair.startsWith(`${REFRESH_COOKIE}=`))
    .map(pair => pair.slice(REFRESH_COOKIE.length + 1))
  return values.length === 0 ? undefined : values.join(';')
}

export default fp(refreshCookie, { name: 'refresh-cookie' })
