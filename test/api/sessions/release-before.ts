/**
 * Access tokens as the last release before ES256 mints and verifies them, for upgrades during which both releases
 * run. Frozen: it uses nothing of the code under test.
 */
import { createHmac, hkdfSync } from 'node:crypto'

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
const decoded = (part = '') => JSON.parse(Buffer.from(part, 'base64url').toString())

/**
 * @param secret its JWT_SECRET
 * @param ttl its ACCESS_TOKEN_TTL, in seconds
 */
export function releaseBefore(secret: string, ttl = 900) {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'latchkey/1/access/sign', 32))
  const signatureOf = (signed: string) => createHmac('sha256', key).update(signed).digest('base64url')
  return {
    mint({ sub, sid }: { sub: string; sid: string }, now = new Date()): string {
      const iat = Math.floor(now.getTime() / 1000)
      const claims = { sub, sid, iss: 'latchkey', aud: 'access', iat, exp: iat + ttl }
      const signed = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded(claims)}`
      return `${signed}.${signatureOf(signed)}`
    },
    /** Whether that release accepts a token. */
    accepts(token: string, now = new Date()): boolean {
      const [header, body, signature] = token.split('.')
      if (decoded(header).alg !== 'HS256' || signatureOf(`${header}.${body}`) !== signature) return false
      const { iss, aud, sub, sid, iat, exp } = decoded(body)
      const isWhole = [sub, sid].every(id => typeof id === 'string') && [iat, exp].every(Number.isInteger)
      const isTimely = exp - iat <= ttl && exp > now.getTime() / 1000
      return iss === 'latchkey' && aud === 'access' && isWhole && isTimely
    },
  }
}
