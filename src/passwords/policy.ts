/**
 * Which passwords are refused, and the one form in which they are compared (OWASP ASVS 5.0, 6.2).
 */
import { dictionary } from '@zxcvbn-ts/language-common'
import Type from 'typebox'
import { problem } from '../errors.ts'

/** Longest password in code points; longer ones are refused and never cut (ASVS 6.2.9). */
export const MAX_LENGTH = 128

/**
 * A password in a request. The bound is only there to have one: the policy refuses what is too long
 * for a new password, and no login can match it.
 */
export const Password = Type.String({
  minLength: 1,
  maxLength: 1024,
  format: 'password',
  description: 'compared after NFC, never trimmed',
  examples: ['correct horse battery staple'],
})

/** A password that is held against the policy and forgotten. No hash is made of it, so it takes no place in the queue. */
export const CandidatePassword = Type.String({
  minLength: 1,
  maxLength: 1024,
  format: 'password',
  description: 'judged by the policy and forgotten: the password is set by /confirm-email',
  examples: ['correct horse battery staple'],
})

/** The some 49,000 commonest passwords, lower-cased (ASVS 6.2.4 asks for 3,000 at least). */
const COMMON = new Set(dictionary['passwords-common'])

/** NFC, so that the same password typed on another keyboard is the same (NIST SP 800-63B-4, 3.1.1.2). */
export function normalizePassword(password: string): string {
  return password.normalize('NFC')
}

/**
 * Whether a password could be one at all: neither NUL, which ends strings in C, nor half a surrogate
 * pair, which has no UTF-8 and would be hashed as the replacement character.
 */
export function isWellFormedPassword(password: string): boolean {
  return password.isWellFormed() && !password.includes('\0')
}

/**
 * Checks a new password.
 *
 * @param password as it came
 * @param context the account's address, the service's name and the least length in code points
 * @throws {ProblemError} `password_rejected`, with the reason
 */
export function assertAcceptable(
  password: string,
  context: { email: string; serviceName: string; minLength: number },
): void {
  const reason = objection(password, context)
  if (reason !== undefined) throw problem('password_rejected', { detail: reason })
}

function objection(
  password: string,
  { email, serviceName, minLength }: { email: string; serviceName: string; minLength: number },
): string | undefined {
  if (!isWellFormedPassword(password)) return 'The password holds a NUL or half a character.'
  const normal = normalizePassword(password)
  const length = [...normal].length
  if (length < minLength) return `The password must have at least ${minLength} characters.`
  if (length > MAX_LENGTH) return `The password must have at most ${MAX_LENGTH} characters.`
  const folded = normal.toLowerCase()
  if (COMMON.has(folded)) return 'This password is one of the most common ones.'
  const [localPart = ''] = email.split('@')
  if (folded === localPart || folded === email) return 'The password must not be the email address.'
  if (folded === serviceName.toLowerCase()) return 'The password must not be the name of this service.'
  return undefined
}
