/** The password policy, and the normalization before hashing (OWASP ASVS 5.0, 6.2). */
import { dictionary } from '@zxcvbn-ts/language-common'
import Type from 'typebox'
import { problem } from '../errors.ts'

/** Longest password in code points. Longer ones are refused, never truncated (ASVS 6.2.9). */
const MAX_LENGTH = 128

/** A password in a request. The policy limits new passwords; the lengths here only bound the work. */
export const Password = Type.String({
  minLength: 1,
  maxLength: 1024,
  format: 'password',
  description: 'compared after NFC, never trimmed',
  examples: ['correct horse battery staple'],
})

/** A password that is checked against the policy and not stored. It is not hashed, so it needs no slot of the queue. */
export const CandidatePassword = Type.String({
  ...Password,
  description: 'checked against the policy, not stored: /confirm-email sets the password',
})

/** About 49,000 common passwords in lower case (ASVS 6.2.4 requires at least 3,000). */
const COMMON = new Set(dictionary['passwords-common'])

/** NFC, because keyboards encode the same characters differently (NIST SP 800-63B-4, 3.1.1.2). */
export function normalizePassword(password: string): string {
  return password.normalize('NFC')
}

/**
 * Whether a password can be hashed unambiguously. NUL ends strings in C, and encoding in UTF-8 replaces half a
 * surrogate pair by U+FFFD.
 */
export function isWellFormedPassword(password: string): boolean {
  return password.isWellFormed() && !password.includes('\0')
}

/**
 * Checks a new password.
 *
 * @param password as received
 * @param context the account's email, the service's name and the minimum length in code points
 * @throws {ProblemError} `password_rejected`, with the reason
 */
export function assertAcceptable(
  password: string,
  context: { email: string; serviceName: string; minLength: number },
): void {
  const reason = rejectionReason(password, context)
  if (reason !== undefined) throw problem('password_rejected', { detail: reason })
}

function rejectionReason(
  password: string,
  { email, serviceName, minLength }: { email: string; serviceName: string; minLength: number },
): string | undefined {
  if (!isWellFormedPassword(password)) return 'The password contains a NUL or half a character.'
  const normalized = normalizePassword(password)
  const length = [...normalized].length
  if (length < minLength) return `The password must have at least ${minLength} characters.`
  if (length > MAX_LENGTH) return `The password must have at most ${MAX_LENGTH} characters.`
  const lowerCase = normalized.toLowerCase()
  if (COMMON.has(lowerCase)) return 'This password is one of the most common ones.'
  const [localPart = ''] = email.split('@')
  if (lowerCase === localPart || lowerCase === email) return 'The password must not be the email address.'
  if (lowerCase === serviceName.toLowerCase()) return 'The password must not be the name of this service.'
  return undefined
}
