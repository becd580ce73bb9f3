/** Finds the words of mails and pages in a person's language. */
import { de } from './de/de.ts'
import { en } from './en/en.ts'
import { es } from './es/es.ts'
import { fr } from './fr/fr.ts'
import { hr } from './hr/hr.ts'
import type { Messages } from './language.ts'

const catalogues: ReadonlyMap<string, Messages> = new Map(
  [en, de, fr, es, hr].map(messages => [messages.language, messages]),
)

/** BCP 47 tags of the languages that mails and pages are written in. */
export const LANGUAGES: readonly string[] = [...catalogues.keys()]

/**
 * Finds the catalogue for a person's language.
 *
 * @param locale BCP 47 tag as the person gave it (`de-AT`), or nothing; an unknown or malformed one is
 *   no error
 * @returns the catalogue of that tag, else of the tag cut at its last hyphen, and so on (RFC 4647,
 *   lookup), else English
 */
export function messagesFor(locale: string | null | undefined): Messages {
  let range = (locale ?? '').toLowerCase()
  while (range !== '') {
    const messages = catalogues.get(range)
    if (messages) return messages
    range = range.slice(0, Math.max(0, range.lastIndexOf('-')))
  }
  return en
}
