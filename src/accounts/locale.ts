import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { problem } from '../errors.ts'
import { LANGUAGES } from '../messages/messages.ts'

/** The language of a person's mails in a request. */
export const Locale = Type.String({
  minLength: 2,
  maxLength: 35,
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
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? null
  } catch {
    throw problem('validation_failed', {
      errors: [{ path: '/locale', message: 'must be a BCP 47 language tag' }],
    })
  }
}

/** Which of the languages that mails are written in `Accept-Language` asks for; null where none is. */
export function preferredLanguage(request: FastifyRequest): string | null {
  if (request.headers['accept-language'] === undefined) return null
  const language = request.language([...LANGUAGES])
  return typeof language === 'string' ? language : null
}
