/** Texts for failed calls. */
import { type Failure, isAtFault } from './api.ts'
import type { Faults, Values } from './fields.ts'
import { minLength, service } from './settings.ts'
import { waitFor, words } from './words.ts'

/** A sentence for a failure that belongs to no field. */
export function sentenceFor({ code, retryAfter }: Failure): string {
  if (code === 'network' || code === 'timeout' || code === 'insecure' || code === 'refused')
    return words[code]
  if (code === 'cookie_refused') return words.refused
  if (code === 'unexpected_response' || code === 'storage') return words.problems.internal_error
  if (retryAfter !== undefined && code === 'rate_limited') return words.wait(waitFor(retryAfter))
  if (retryAfter !== undefined) return words.overloaded(waitFor(retryAfter))
  return words.problems[code] ?? words.problems.internal_error
}

/** The field of the body that the service rejected. */
export function invalidFields(failure: Failure, emails = ['email', 'newEmail']): Faults {
  return Object.fromEntries(
    emails.filter(name => isAtFault(failure, name)).map(name => [name, words.emailForm]),
  )
}

/** Why a new password was rejected, in the reader's language, as far as the page can tell. */
export function rejection({ code }: Failure, { newPassword = '' }: Values, email = ''): Faults {
  if (code !== 'password_rejected') return {}
  const folded = newPassword.normalize('NFC').toLowerCase()
  const length = [...folded].length
  const address = email.trim().toLowerCase()
  const { rejected } = words
  if (length < minLength) return { newPassword: rejected.short(minLength) }
  if (length > 128) return { newPassword: rejected.long }
  if (folded === service.toLowerCase()) return { newPassword: rejected.service }
  if (address !== '' && [address, address.split('@')[0]].includes(folded))
    return { newPassword: rejected.email }
  return { newPassword: rejected.other }
}
