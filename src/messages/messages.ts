/** All languages, and the choice of one. */
import { de } from './de/de.ts'
import { en } from './en/en.ts'
import { es } from './es/es.ts'
import { fr } from './fr/fr.ts'
import { hr } from './hr/hr.ts'
import type { Messages } from './language.ts'

const catalogues: ReadonlyMap<string, Messages> = new Map(
  [en, de, fr, es, hr].map(messages => [messages.language, messages]),
)

export const LANGUAGES: readonly string[] = [...catalogues.keys()]

/**
 * Finds the texts for a language: for the tag, then for the tag without its last part and so on (RFC 4647,
 * lookup), then English. An unknown or malformed tag is no error.
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
