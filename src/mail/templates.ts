/** Writes emails: subject, text and HTML. */
import { duration } from '../messages/duration.ts'
import type { LinkAndCodeWords, MailKind, Mails, MailWords } from '../messages/mail-words.ts'
import { messagesFor } from '../messages/messages.ts'
import { type MailCode, mailPage } from './mail-page.ts'

export type { MailKind } from '../messages/mail-words.ts'

export interface MailContext {
  /** Recipient. */
  to: string
  /** BCP 47 tag chosen by the person, if any. */
  locale: string | null
  /** Name of the service. */
  service: string
}

/** `link`: absolute URL. */
export type LinkContext = MailContext & { link: string }

/** `link`: the page "this was not me", with the token. `at`: time of the event. */
export type NoticeContext = LinkContext & { at: Date }

/** Input of each kind. `validFor` is in seconds, from when the email is sent. */
export interface MailContexts {
  /** `link`: with the token. `code`: 8 digits, or undefined if nobody could enter it. */
  confirm_address: LinkContext & { code?: string; validFor: number }
  /** `link`: the page to request a reset. */
  already_registered: LinkContext
  /** `link` and `code` as for confirm_address. */
  reset_password: LinkContext & { code?: string; validFor: number }
  /** `code`: 6 digits. `validFor`: the rest of its lifetime. */
  password_change_code: MailContext & { code: string; validFor: number }
  password_changed: NoticeContext
  /** Sent to the new address. */
  change_email: LinkContext & { code?: string; validFor: number }
  /** Sent to the current address. */
  email_change_requested: NoticeContext & { newEmail: string }
  /** Sent to the old address. */
  email_changed: NoticeContext & { newEmail: string }
  /** `device`: such as "Firefox on Linux". Both null if unknown. */
  new_device: NoticeContext & { device: string | null; ip: string | null }
  /** `link`: the page to set a password, with the token. */
  account_secured: LinkContext & { validFor: number }
  /** `link`: the page to set the first password, with the token. */
  invitation: LinkContext & { validFor: number }
  /** `link`: the page to set a password, with the token. */
  reset_required: LinkContext & { validFor: number }
  farewell: MailContext
  /** Sent to an address that can undo the deletion. */
  account_deleted: NoticeContext & { validFor: number }
}

export interface RenderedMail {
  /** One line, without CR and LF. */
  subject: string
  text: string
  html: string
}

/**
 * Renders an email in the language of the person.
 * @returns subject, plain text (link and code each on their own line) and HTML (every value escaped)
 */
export function renderMail<K extends MailKind>(kind: K, context: MailContexts[K]): RenderedMail {
  const { language, mails } = messagesFor(context.locale)
  const mail = { kind, ...context } as Mail
  const words: MailWords & Partial<LinkAndCodeWords> = wordsOf(mails, language, mail)
  const subject = oneLine(words.subject)
  const before = [mails.greeting, ...words.before]
  const { button, beforeCode, afterCode, after } = words
  const footer = [words.reason, words.notYou]
  const link =
    'link' in mail ? { href: mail.link, button: unbroken(button ?? ''), hint: mails.linkHint } : undefined
  const code =
    'code' in mail && mail.code !== undefined ? codeOf(mail.code, beforeCode, afterCode) : undefined
  const aroundCode = code ? [...code.before, code.digits, ...code.after] : []
  return {
    subject,
    text: `${[...before, ...(link ? [link.href] : []), ...aroundCode, ...after, ...footer].join('\n\n')}\n`,
    html: mailPage({
      language,
      title: unbroken(subject),
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
    case 'invitation':
    case 'reset_required':
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

/** Eight digits are easier to read in two groups; six stay together. */
function codeOf(code: string, before: string | undefined, after: string | undefined): MailCode {
  const digits = code.replace(/^(\d{4})(\d{4})$/, '$1 $2')
  return { digits, before: before ? [before] : [], after: after ? [after] : [] }
}

/** With a hyphen that breaks no line in "e-mail". Headings and buttons are short enough for the break to be seen. */
function unbroken(text: string): string {
  return text.replace(/(?<!\S)([eE])-(?=\p{L})/gu, '$1\u2011')
}

/** A line break in a subject would allow header injection. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()
}

/** A date in UTC, because the time zone is unknown. */
function instant(at: Date, language: string): string {
  return new Intl.DateTimeFormat(language, {
    dateStyle: 'long',
    timeStyle: 'long',
    hourCycle: 'h23',
    timeZone: 'UTC',
  }).format(at)
}
