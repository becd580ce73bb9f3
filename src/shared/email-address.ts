/**
 * Canonical emails. Spellings that a database or mail server treats as equal become one address, and anything but one
 * plain address is refused (CVE-2019-19844: a look-alike address received the owner's reset link).
 */
import { domainToASCII, domainToUnicode } from 'node:url'
import Type from 'typebox'
import { problem } from '../errors.ts'

/** RFC 5321 section 4.5.3.1, less the angle brackets. */
const MAX_LENGTH = 254
const MAX_LOCAL_PART = 64

/** An email in a request; `canonicalEmail` checks it. */
export const Email = Type.String({
  minLength: 3,
  maxLength: 320,
  format: 'email',
  description: 'one plain address; its case does not matter',
  examples: ['ada@example.org'],
})

/** RFC 5322 dot-atom, ASCII: no quotes, comments, spaces or lists. */
const LOCAL_PART = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/
/**
 * Letters, digits, hyphens; at least two labels; the last one not a number, which URL parsers would take for the end of
 * an IPv4 address.
 */
const DOMAIN =
  /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+(?!0x[0-9a-f]*$)(?=[a-z0-9-]*[a-z])[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
/** The only letter outside ASCII that NFC and lower-casing turn into an ASCII letter. */
const KELVIN_SIGN = '\u212a'
/** Control, format (zero-width, bidirectional), private, unassigned and surrogate characters. */
const INVISIBLE = /\p{C}/u

/**
 * Returns the canonical form of an email: trimmed, NFC, lower-cased, its domain in punycode.
 *
 * @param input as received
 * @param path JSON pointer to the property
 * @returns the form that is stored, compared and sent to
 * @throws {ProblemError} `validation_failed` if it is not one plain address
 */
export function canonicalEmail(input: string, path = '/email'): string {
  const email = canonical(input)
  if (email !== undefined) return email
  throw problem('validation_failed', {
    detail: 'The email is not an address that emails can be sent to.',
    errors: [{ path, message: 'must be one plain email address' }],
  })
}

function canonical(input: string): string | undefined {
  if (INVISIBLE.test(input)) return undefined
  const parts = input.trim().split('@')
  if (parts.length !== 2) return undefined
  const [localPart, domain] = parts as [string, string]
  // Before normalization, which would turn look-alikes into plain letters.
  if (!isAscii(localPart) || localPart.length > MAX_LOCAL_PART) return undefined
  if (domain.includes(KELVIN_SIGN)) return undefined
  const folded = localPart.toLowerCase()
  const ascii = asciiDomain(domain.normalize('NFC').toLowerCase())
  if (!LOCAL_PART.test(folded) || ascii === undefined) return undefined
  const email = `${folded}@${ascii}`
  return email.length <= MAX_LENGTH ? email : undefined
}

function asciiDomain(domain: string): string | undefined {
  // The URL parser would decode %41 and read 0x7f.1 as 127.0.0.1.
  if (!/^[\p{L}\p{M}\p{N}.-]+$/u.test(domain)) return undefined
  if (isAscii(domain)) return DOMAIN.test(domain) ? domain : undefined
  const ascii = domainToASCII(domain)
  // Compatibility characters (full-width letters, ligatures) are look-alikes.
  return DOMAIN.test(ascii) && domainToUnicode(ascii) === domain ? ascii : undefined
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII
  return /^[\x00-\x7f]*$/.test(text)
}
