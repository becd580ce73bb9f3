import { de } from './de.ts'
import { en } from './en.ts'
import { es } from './es.ts'
import { fr } from './fr.ts'
import { hr } from './hr.ts'

/** Which mail it is. */
export type MailKind = keyof MailCatalogue

/** What every text may mention, ready to print: the service's name and the address written to. */
export interface Mentions {
  service: string
  to: string
}

/** The words of one mail, as plain text. Its link or code, where it has one, stands after `before`. */
export interface MailWords {
  subject: string
  /** Paragraphs that lead to the link or, in a mail without one, to the code. */
  before: string[]
  /** Paragraphs after link or code. */
  after: string[]
  /** Which address this was sent to and why. */
  reason: string
  /** What to do if it was not the reader who caused this mail. */
  notYou: string
}

/** A mail with a link. */
export interface LinkWords extends MailWords {
  /** Label of the button that leads to the link in the HTML version. */
  button: string
}

/** A mail with a link and, where it is given one, a code below the link. */
export interface LinkAndCodeWords extends LinkWords {
  /** Paragraph before the code: where to enter it. Left out without a code. */
  beforeCode: string
  /** Paragraph after the code: how long it lives. Left out without a code. */
  afterCode: string
}

/** The mails of one language. Durations and moments come ready to print. */
export interface MailCatalogue {
  confirm_address: (about: Mentions & { validFor: string }) => LinkWords
  already_registered: (about: Mentions) => LinkWords
  reset_password: (about: Mentions & { validFor: string }) => LinkAndCodeWords
  not_registered: (about: Mentions) => LinkWords
  password_change_code: (about: Mentions & { validFor: string }) => MailWords
  password_changed: (about: Mentions & { at: string }) => LinkWords
  change_email: (about: Mentions & { validFor: string }) => LinkWords
  email_change_requested: (about: Mentions & { newEmail: string; at: string }) => LinkWords
  email_changed: (about: Mentions & { newEmail: string; at: string }) => LinkWords
  new_device: (about: Mentions & { device: string; ip: string | null; at: string }) => LinkWords
  account_secured: (about: Mentions & { validFor: string }) => LinkWords
  farewell: (about: Mentions) => MailWords
}

/** Everything that one language must say. A catalogue that lacks an entry does not compile. */
export interface Messages extends MailCatalogue {
  /** BCP 47 tag: the `lang` of the HTML, and the language of durations and dates. */
  language: string
  greeting: string
  /** Stands before the bare link in the HTML version. */
  linkHint: string
  /** Stands for the name of a device that did not say what it is. */
  unknownDevice: string
}

const catalogues: ReadonlyMap<string, Messages> = new Map(
  [en, de, fr, es, hr].map(messages => [messages.language, messages]),
)

/** BCP 47 tags of the languages that mails are written in. */
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
