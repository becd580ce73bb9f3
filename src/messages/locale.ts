/** The language tag of an account, in every customary spelling. */
import Type from 'typebox'
import { problem } from '../errors.ts'

/** Longest tag that is accepted (RFC 5646, section 4.4.1). */
const MAX_LENGTH = 35

/** Language of a person's emails, as BCP 47, POSIX, Java or Apple's systems write it. */
export const Locale = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: '^\\s*[A-Za-z][A-Za-z0-9_-]*(?:#[A-Za-z]{4})?(?:\\.[A-Za-z0-9-]+)?(?:@[A-Za-z0-9=;_-]+)?\\s*$',
  description:
    'language of the emails: a BCP 47 tag (`pt-BR`), or the name that systems use (`pt_BR.UTF-8`). A language ' +
    'without emails is stored, and its emails are in English',
  examples: ['en-GB'],
})

/** POSIX: language, territory, codeset, modifier. Java: a script after `#`. */
const PARTS = /^([a-z][a-z0-9-]*?)(?:-*#([a-z]{4}))?(?:\.[a-z0-9-]+)?(?:@([a-z0-9=;-]+))?$/i
/** POSIX modifiers that name a script. */
const SCRIPTS = new Map([
  ['latin', 'Latn'],
  ['cyrillic', 'Cyrl'],
  ['devanagari', 'Deva'],
])
/** POSIX names for no particular language. */
const NO_LANGUAGE = /^(C|POSIX)$/i

/**
 * Returns the canonical language tag (RFC 5646), or null without one.
 * @throws {ProblemError} `validation_failed` if it is no language tag in any spelling
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

function withScript(tag: string, script: string | undefined): string {
  return script === undefined ? tag : tag.replace(/^[^-]*/, language => `${language}-${script}`)
}

/** Drops extensions that make the tag too long. */
function wellFormed(tag: string): string | undefined {
  try {
    const { baseName } = new Intl.Locale(tag)
    return [...Intl.getCanonicalLocales(tag), baseName].find(({ length }) => length <= MAX_LENGTH)
  } catch {
    return undefined
  }
}
