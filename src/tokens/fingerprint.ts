/**
 * The fingerprint that makes a mailed token die with the password it was made for.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

/** What a fingerprint is taken of: a change of any of these kills the token. */
export interface Fingerprinted {
  /** The account's or registration's id. */
  id: string
  email: string
  /** The stored hash (PHC string). */
  passwordHash: string
  /**
   * When the account came to another address; a registration has no such time. With the address alone, what
   * died with a change of address would be good again once the account has its old address back.
   */
  emailChangedAt?: Date | null
  /** How often the account was disabled: what died then must stay dead when it is enabled again. */
  disabledCount?: number
}

const BYTES = 16

/** What a fingerprint or a code is taken of, as text. */
export function boundParts({
  id,
  email,
  passwordHash,
  emailChangedAt,
  disabledCount = 0,
}: Fingerprinted): string[] {
  const parts = [id, email, passwordHash, emailChangedAt?.toISOString() ?? 'never changed']
  // No part for an account that never was: links of the release before this one stay good.
  if (disabledCount > 0) parts.push(`disabled ${disabledCount}`)
  return parts
}

/**
 * HMAC-SHA-256 over purpose, id, address, password hash, the last change of address and the number of times that the
 * account was disabled, cut to 128 bits.
 *
 * @param key the purpose's fingerprint key
 * @param purpose the token's audience
 * @param subject what the token speaks of
 * @returns 22 characters of base64url
 */
export function fingerprint(key: Buffer, purpose: string, subject: Fingerprinted): string {
  // JSON keeps the fields apart, whatever they hold: "ab"+"c" is not "a"+"bc".
  const message = JSON.stringify([purpose, ...boundParts(subject)])
  return createHmac('sha256', key).update(message).digest().subarray(0, BYTES).toString('base64url')
}

/** Compares two fingerprints in constant time. */
export function sameFingerprint(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/** What a confirmation link is bound to: the registration's row, which has no password yet. */
export function confirmable({ id, email }: { id: string; email: string }): Fingerprinted {
  return { id, email, passwordHash: 'none yet' }
}

/**
 * What a "this was not me" link is bound to: the address its notice went to. Not the password, which
 * whoever took the account over may have changed since.
 */
export function securable(
  { id, disabledCount }: Pick<Fingerprinted, 'id' | 'disabledCount'>,
  email: string,
): Fingerprinted {
  return { id, email, passwordHash: 'not bound to it', ...(disabledCount !== undefined && { disabledCount }) }
}
