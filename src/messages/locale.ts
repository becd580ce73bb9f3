import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { problem } from '../errors.ts'
import { LANGUAGES } from './messages.ts'

/** Longest tag that is kept (RFC 5646 section 4.4.1). */
const MAX_LENGTH = 35

/** The language of a person's mails in a request, as BCP 47, POSIX, Java or Apple's systems spell it. */
export const Locale = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: '^\\s*[A-Za-z][A-Za-z0-9_-]*(?:#[A-Za-z]{4})?(?:\\.[A-Za-z0-9-]+)?(?:@[A-Za-z0-9=;_-]+)?\\s*$',
  description:
    'language of the mails: a BCP 47 tag (`pt-BR`), or what systems call it (`pt_BR.UTF-8`). A language in which ' +
    'there are no mails is kept, and its mails are in English',
  examples: ['en-GB'],
})

/** POSIX: language, territory, codeset, modifier. Java: a script behind `#`. */
const PARTS = /^([a-z][a-z0-9-]*?)(?:-*#([a-z]{4}))?(?:\.[a-z0-9-]+)?(?:@([a-z0-9=;-]+))?$/i
/** What the modifiers of POSIX locales say of the script; the others are about money and sorting. */
const SCRIPTS = new Map([
  ['latin', 'Latn'],
  ['cyrillic', 'Cyrl'],
  ['devanagari', 'Deva'],
])
/** POSIX: no language in particular. */
const NO_LANGUAGE = /^(C|POSIX)$/i

/**
 * The canonical form of a language tag (RFC 5646); null where none was given.
 *
 * @param spelling as the client's system spells it
 * @throws {ProblemError} `validation_failed` where it is no language tag in any spelling
 */
export function canonicalLocale(spelling: string | undefined): string | null {
  if (spelling === undefined) return null
  const [, tag = '', script, modifier = ''] = PARTS.exec(spelling.trim().replaceAll('_', '-')) ?? []
  if (NO_LANGUAGE.test(tag)) return null
  const canonical = wellFormed(withScript(tag, script ?? SCRIPTS.get(modifier.toLowerCase())))
  if (canonical !== undefined) return canonical
  throw problem('validation_failed', {
    errors: [{ path: '/locale', message: 'must be a language tag, such as en-GB' }],
  })
}

/** The script stands behind the language. */
function withScript(tag: string, script: string | undefined): string {
  return script === undefined ? tag : tag.replace(/^[^-]*/, language => `${language}-${script}`)
}

/** Without its extensions where it is too long with them. */
function wellFormed(tag: string): string | undefined {
  try {
    const { baseName } = new Intl.Locale(tag)
    return [...Intl.getCanonicalLocales(tag), baseName].find(({ length }) => length <= MAX_LENGTH)
  } catch {
    return undefined
  }
}

/** Which of the languages that mails are written in `Accept-Language` asks for; null where none is. */
export function preferredLanguage(request: FastifyRequest): string | null {
  const { headers } = request.raw
  const accepted = headers['accept-language']
  if (accepted === undefined) return null
  // Some clients send what their system calls the language: `de_AT`.
  headers['accept-language'] = accepted.replaceAll('_', '-')
  const language = request.language([...LANGUAGES])
  return typeof language === 'string' ? language : null
}
