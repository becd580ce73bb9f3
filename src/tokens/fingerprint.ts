/** The fingerprint of an account, by which tokens become invalid when its password, email or state changes. */
import { createHmac } from 'node:crypto'

/** Input of a fingerprint: a change of any of these invalidates the token. */
export interface Fingerprinted {
  /** Id of the account or registration. */
  id: string
  email: string
  /** The stored hash (PHC string). */
  passwordHash: string
  /**
   * Time of the last change of the email. With the email alone, old tokens would be valid again once the account has
   * its old email back.
   */
  emailChangedAt?: Date | null
  /** How often the account was disabled, so that old tokens stay invalid when it is enabled again. */
  disabledCount?: number
}

const BYTES = 16

/** The input of a fingerprint or code as texts. */
export function boundParts({
  id,
  email,
  passwordHash,
  emailChangedAt,
  disabledCount = 0,
}: Fingerprinted): string[] {
  const parts = [id, email, passwordHash, emailChangedAt?.toISOString() ?? 'never changed']
  // Omitted if it was never disabled, so that links of the previous release stay valid.
  if (disabledCount > 0) parts.push(`disabled ${disabledCount}`)
  return parts
}

/**
 * HMAC-SHA-256 over purpose, id, email, password hash, the last change of the email and the number of times that the
 * account was disabled, cut to 128 bits.
 *
 * @param key the purpose's fingerprint key
 * @param purpose the token's audience
 * @param subject the account or registration
 * @returns 22 characters of base64url
 */
export function fingerprint(key: Buffer, purpose: string, subject: Fingerprinted): string {
  // JSON separates the fields unambiguously: "ab"+"c" is not "a"+"bc".
  const message = JSON.stringify([purpose, ...boundParts(subject)])
  return createHmac('sha256', key).update(message).digest().subarray(0, BYTES).toString('base64url')
}

/** Subject of a confirmation link: the registration, which has no password yet. */
export function confirmable({ id, email }: { id: string; email: string }): Fingerprinted {
  return { id, email, passwordHash: 'none yet' }
}

/**
 * Subject of a "this was not me" link: the recipient of the notice. Not the password, which an attacker may have changed
 * since.
 */
export function securable(
  { id, disabledCount }: Pick<Fingerprinted, 'id' | 'disabledCount'>,
  email: string,
): Fingerprinted {
  return { id, email, passwordHash: 'not bound to it', ...(disabledCount !== undefined && { disabledCount }) }
}
