import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { problem } from '../errors.ts'
import { LANGUAGES } from '../messages/messages.ts'

/** Longest tag that is kept (RFC 5646 section 4.4.1). */
const MAX_LENGTH = 35

/** The language of a person's mails in a request. */
export const Locale = Type.String({
  minLength: 2,
  maxLength: MAX_LENGTH,
  pattern: '^[A-Za-z0-9-]+$',
  description: 'language of the mails, a BCP 47 tag',
  examples: ['en-GB'],
})

/**
 * The canonical form of a language tag (RFC 5646); null where none was given.
 *
 * @throws {ProblemError} `validation_failed` where it is not a well-formed tag
 */
export function canonicalLocale(tag: string | undefined): string | null {
  if (tag === undefined) return null
  const canonical = wellFormed(tag)
  // A canonical tag may be longer than the one it is made of: `sh` is `sr-Latn`.
  if (canonical !== undefined && canonical.length <= MAX_LENGTH) return canonical
  throw problem('validation_failed', {
    errors: [{ path: '/locale', message: 'must be a BCP 47 language tag' }],
  })
}

function wellFormed(tag: string): string | undefined {
  try {
    return Intl.getCanonicalLocales(tag)[0]
  } catch {
    return undefined
  }
}

/** Which of the languages that mails are written in `Accept-Language` asks for; null where none is. */
export function preferredLanguage(request: FastifyRequest): string | null {
  if (request.headers['accept-language'] === undefined) return null
  const language = request.language([...LANGUAGES])
  return typeof language === 'string' ? language : null
}
