/** Tokens built without the service's own minting, to test what its verification accepts. */
import { createHmac, type KeyLike, sign } from 'node:crypto'

/** A part of a JWT. */
export const encoded = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url')

/** The claims of a token, unverified. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}

/** Signs any claims by HMAC; the header may name another algorithm. */
export function forge(
  claims: unknown,
  key: Buffer | string,
  header: Record<string, unknown> = { alg: 'HS256', typ: 'JWT' },
  digest = 'sha256',
): string {
  const signed = `${encoded(header)}.${encoded(claims)}`
  return `${signed}.${createHmac(digest, key).update(signed).digest('base64url')}`
}

/** Signs any claims with a private key; the header may name another algorithm. */
export function forgeSigned(
  claims: unknown,
  key: KeyLike,
  header: Record<string, unknown>,
  {
    digest = 'sha256',
    encoding = 'ieee-p1363',
  }: { digest?: string | null; encoding?: 'der' | 'ieee-p1363' } = {},
): string {
  const signed = `${encoded(header)}.${encoded(claims)}`
  const signature = sign(digest, Buffer.from(signed), { key, dsaEncoding: encoding } as never)
  return `${signed}.${signature.toString('base64url')}`
}
