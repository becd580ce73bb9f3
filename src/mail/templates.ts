import { duration } from '../messages/duration.ts'
import type { LinkAndCodeWords, MailKind, Mails, MailWords } from '../messages/mail-words.ts'
import { messagesFor } from '../messages/messages.ts'
import { type MailCode, mailPage } from './mail-page.ts'

export type { MailKind } from '../messages/mail-words.ts'

/** What every mail needs. */
export interface MailContext {
  /** The address it goes to. */
  to: string
  /** BCP 47 tag the person chose, if any. */
  locale: string | null
  /** The service's name, for people. */
  service: string
}

/** A mail that leads somewhere. `link`: an absolute URL. */
export type LinkContext = MailContext & { link: string }

/** A notice. `link`: the page to say "this was not me", with the token. `at`: when it happened. */
export type NoticeContext = LinkContext & { at: Date }

/** What each kind needs. `validFor` is in seconds. */
export interface MailContexts {
  /**
   * `link`: with the token; `code`: 8 digits, none where nobody could enter it; `validFor`: the life of
   * either, from when the mail is sent.
   */
  confirm_address: LinkContext & { code?: string; validFor: number }
  /** `link`: the page to ask for a reset. */
  already_registered: LinkContext
  /** Likewise. */
  reset_password: LinkContext & { code?: string; validFor: number }
  /** `code`: 6 digits; `validFor`: what is left of its life when it is sent. */
  password_change_code: MailContext & { code: string; validFor: number }
  password_changed: NoticeContext
  /** To the new address; likewise. */
  change_email: LinkContext & { code?: string; validFor: number }
  /** To the present address. */
  email_change_requested: NoticeContext & { newEmail: string }
  /** To the old address. */
  email_changed: NoticeContext & { newEmail: string }
  /** `device`: such as "Firefox on Linux", null where it did not say; `ip`: null where it is not known. */
  new_device: NoticeContext & { device: string | null; ip: string | null }
  /** After "this was not me". `link`: to set a password, with the token; `validFor`: its life, from when it is sent. */
  account_secured: LinkContext & { validFor: number }
  /** After the account was deleted. */
  farewell: MailContext
  /** The same, to an address that can undo it. `validFor`: the life of the link, from when it is sent. */
  account_deleted: NoticeContext & { validFor: number }
}

/** A mail without its envelope. */
export interface RenderedMail {
  /** One line: no CR, no LF. */
  subject: string
  text: string
  html: string
}

/**
 * Writes a mail in the person's language, as text and as HTML.
 *
 * @param kind which mail
 * @param context what it is about
 * @returns subject, plain text (link and code each alone on a line) and HTML (every value escaped)
 */
export function renderMail<K extends MailKind>(kind: K, context: MailContexts[K]): RenderedMail {
  const { language, mails } = messagesFor(context.locale)
  const mail = { kind, ...context } as Mail
  const words: MailWords & Partial<LinkAndCodeWords> = wordsOf(mails, language, mail)
  const subject = oneLine(words.subject)
  const before = [mails.greeting, ...words.before]
  const { button, beforeCode, afterCode, after } = words
  const footer = [words.reason, words.notYou]
  const link = 'link' in mail ? { href: mail.link, button: button ?? '', hint: mails.linkHint } : undefined
  const code =
    'code' in mail && mail.code !== undefined ? codeOf(mail.code, beforeCode, afterCode) : undefined
  const aroundCode = code ? [...code.before, code.digits, ...code.after] : []
  return {
    subject,
    text: `${[...before, ...(link ? [link.href] : []), ...aroundCode, ...after, ...footer].join('\n\n')}\n`,
    html: mailPage({
      language,
      title: subject,
      service: oneLine(context.service),
      before,
      link,
      code,
      after,
      footer,
    }),
  }
}

type Mail = { [K in MailKind]: { kind: K } & MailContexts[K] }[MailKind]

function wordsOf(mails: Mails, language: string, mail: Mail): MailWords {
  const about = { service: oneLine(mail.service), to: oneLine(mail.to) }
  switch (mail.kind) {
    case 'already_registered':
    case 'farewell':
      return mails[mail.kind](about)
    case 'confirm_address':
    case 'reset_password':
    case 'password_change_code':
    case 'change_email':
    case 'account_secured':
      return mails[mail.kind]({ ...about, validFor: duration(mail.validFor, language) })
    case 'password_changed':
      return mails.password_changed({ ...about, at: instant(mail.at, language) })
    case 'account_deleted':
      return mails.account_deleted({
        ...about,
        at: instant(mail.at, language),
        validFor: duration(mail.validFor, language),
      })
    case 'email_change_requested':
    case 'email_changed':
      return mails[mail.kind]({
        ...about,
        newEmail: oneLine(mail.newEmail),
        at: instant(mail.at, language),
      })
    case 'new_device':
      return mails.new_device({
        ...about,
        device: mail.device === null ? mails.unknownDevice : oneLine(mail.device),
        ip: mail.ip === null ? null : oneLine(mail.ip),
        at: instant(mail.at, language),
      })
  }
}

/** Eight digits are read and typed more easily as two groups of four; six stay together. */
function codeOf(code: string, before: string | undefined, after: string | undefined): MailCode {
  const digits = code.replace(/^(\d{4})(\d{4})$/, '$1 $2')
  return { digits, before: before ? [before] : [], after: after ? [after] : [] }
}

/** A line break in a subject would start a header of the sender's choosing. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()
}

/** A moment for people, in UTC and saying so, since nobody told us their time zone. */
function instant(at: Date, language: string): string {
  return new Intl.DateTimeFormat(language, {
    dateStyle: 'long',
    timeStyle: 'long',
    hourCycle: 'h23',
    timeZone: 'UTC',
  }).format(at)
}
