/** Reads tokens and codes as people paste them from an email: wrapped, quoted, grouped, or inside the whole link. */
import Type from 'typebox'

/** A token in a request that an earlier response returned: `requestToken` or `changeToken`. */
export const ReturnedToken = Type.String({ minLength: 1, maxLength: 4096, format: 'jwt' })

/** An emailed token in a request. */
export const MailedToken = Type.String({
  minLength: 1,
  maxLength: 4096,
  format: 'jwt',
  description: 'what follows `#token=` in the link of the email, or the whole link, as it was pasted',
})

/** White space and invisible characters: soft hyphens, zero-width spaces, direction marks. */
const BLANK = '[\\s\\p{Cf}]'
/** Email programs break long lines; a quoted-printable line ends with `=` (RFC 2045 section 6.7). */
const BLANKS = new RegExp(`=(?=\\r?\\n)|${BLANK}`, 'gu')

const OPENING = '["\'`*<\\p{Ps}\\p{Pi}\\p{Pf}]*'
const CLOSING = '["\'`*>.,;:!?\\p{Pe}\\p{Pf}\\p{Pi}]*'
/** A token alone, or at the end of a link, whose `=` may be encoded. */
const PASTED = new RegExp(
  `^(?:${OPENING}|.*token(?:=3D|=|%3D))([\\w-]+\\.[\\w-]+\\.[\\w-]+)(?:&.*|${CLOSING})$`,
  'iu',
)

/**
 * Returns the token in a pasted text.
 *
 * @returns the text itself if it contains no token in a known form; its verification fails
 */
export function pastedToken(text: string): string {
  return PASTED.exec(text.replace(BLANKS, ''))?.[1] ?? text
}

/** ASCII, full-width, Arabic and Persian digits: the last four bits of each are its value. */
const DIGIT = '[0-9\\uff10-\\uff19\\u0660-\\u0669\\u06f0-\\u06f9]'
/** Spaces, hyphens, brackets, quotes, punctuation. */
const BETWEEN = '[\\s\\p{Cf}\\p{P}<>`]*'

/** Schema of a code in a request, in every customary spelling. `pastedCode` reads it. */
export function MailedCode(digits: number) {
  const example = '1234567890'.slice(0, digits)
  return Type.String({
    pattern: `^${BETWEEN}(?:${DIGIT}${BETWEEN}){${digits}}$`,
    maxLength: 64,
    description: `from the email: ${digits} digits, however they are grouped`,
    examples: [example],
  })
}

/** Returns the digits of a `MailedCode` as ASCII. */
export function pastedCode(text: string): string {
  const digits = text.match(new RegExp(DIGIT, 'gu')) ?? []
  return digits.map(digit => String((digit.codePointAt(0) as number) & 15)).join('')
}
