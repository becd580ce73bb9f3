import type { NodemailerError } from 'nodemailer'
import { withoutAddresses } from '../shared/log-scrub.ts'
import { MailSendError } from './transport.ts'

/** RFC 4954, section 6: replies about authentication, to whatever command. */
const authenticationReplies = new Set([530, 534, 535, 538])
/** RFC 3463, section 3.8: security or policy status, such as 5.7.1 where a relay wants credentials. qmail puts it last. */
const policyStatus = /^5\d\d[ -]5\.7\.\d{1,3}\b|\(#5\.7\.\d{1,3}\)\s*$/m
/** Without a status, as Exim says it: "550 relay not permitted". */
const relayRefused = /^5\d\d[ -](?!5\.\d)[^\n]*\brelay(ing)?\b/im
/** nodemailer reports what Node says of a certificate or handshake as an error of the socket. */
const tlsFailure = /certificate|altnames|\b(TLS|SSL)\b/i

/** What nodemailer says of a failure before it hands over a mail. */
const beforeTheMail = new Set(['EDNS', 'ETLS', 'EAUTH', 'EENVELOPE'])

/** What the worker needs to know of a failure. */
export type SendFailure = Pick<
  MailSendError,
  'message' | 'permanent' | 'untaken' | 'refusesService' | 'unreachable'
>

/**
 * Turns what nodemailer threw into an error that may be logged and stored. The original is left behind,
 * even as a cause, because its message and properties hold the server's answer as it came.
 *
 * Only a refusal of this recipient or this message is permanent. A refusal of this service comes from settings
 * that an operator can correct while the mail waits.
 *
 * @param error what `sendMail` threw
 * @param mail what was being sent, to find pieces of it in the server's answer
 * @param password the SMTP password, for the same reason
 */
export function smtpError(
  error: NodemailerError,
  mail: { to: string; text: string },
  password?: string,
): MailSendError {
  const { command = '', responseCode } = error
  const code = error.code ?? 'EUNKNOWN'
  const refused = responseCode !== undefined && error.permanent === true
  const refusesService =
    code === 'EAUTH' ||
    code === 'ETLS' ||
    authenticationReplies.has(responseCode ?? 0) ||
    policyStatus.test(error.response ?? '') ||
    relayRefused.test(error.response ?? '') ||
    (responseCode === undefined && command !== 'API' && tlsFailure.test(error.message)) ||
    // The sender, or the client's name.
    (refused && !/^(RCPT|DATA)/.test(command))
  const permanent =
    (refused && !refusesService) ||
    // Refused by nodemailer itself, before a server saw it.
    (code === 'EENVELOPE' && command === 'API')
  // nodemailer's messages end in the answer; we add that ourselves, cut and cleaned.
  const said =
    error.response ?? (code === 'EABORT' ? 'the server took too long over this mail' : error.message)
  const stage = command && command !== 'API' ? ` at ${command}` : ''
  const away = responseCode === undefined ? code !== 'EENVELOPE' : responseCode === 421 || command === 'CONN'
  // What Node says of a connection repeats no recipient, whose local part may be one of its words.
  const quotable = error.response === undefined && responseCode === undefined ? { ...mail, to: '' } : mail
  return new MailSendError(`SMTP ${code}${stage}: ${clean(said, quotable, password)}`, {
    permanent,
    refusesService,
    // RFC 5321, section 3.8: a server may end any session with 421.
    unreachable: away && !refusesService,
    untaken: responseCode !== undefined || error.syscall === 'connect' || beforeTheMail.has(code),
    code,
    ...(responseCode === undefined ? {} : { responseCode }),
  })
}

/**
 * What came of sending a mail, whatever was thrown: our own errors as they are, of anything else what may be
 * logged and stored. Something odd must not keep a mail from its back-off.
 *
 * @param mail what was being sent, to find pieces of it in the message
 */
export function sendError(thrown: unknown, mail: { to: string; text: string }): SendFailure {
  if (thrown instanceof MailSendError) return thrown
  const { message } = (thrown ?? {}) as Partial<Error>
  const said = typeof message === 'string' ? clean(message, mail, undefined) : `${typeof thrown} was thrown`
  return { message: said, permanent: false, untaken: false, refusesService: false, unreachable: false }
}

/**
 * The first 200 characters of a server's answer, without what it may have quoted from the mail: spam
 * filters name the link that they object to, and the link carries the token. Without addresses either, since
 * refusals repeat them.
 */
function clean(answer: string, mail: { to: string; text: string }, password: string | undefined): string {
  const withoutPassword = password
    ? [password, Buffer.from(password).toString('base64')].reduce(
        (text, secret) => text.replaceAll(secret, '[removed]'),
        answer,
      )
    : answer
  return withoutRecipient(withoutPassword, mail.to)
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
    .replace(/\bhttps?:\S+/gi, '[removed]')
    .replace(/[\w.-]{6,}/g, word => (isSecretOf(mail, word) ? '[removed]' : word))
    .slice(0, 200)
    .trim()
}

/** A token, a piece of one, or a code: a long word of the mail, or one with digits, not the address. */
function isSecretOf({ to, text }: { to: string; text: string }, word: string): boolean {
  return (word.length >= 24 || /\d/.test(word)) && text.includes(word) && !to.includes(word)
}

/** Some servers repeat only the local part ("User ada unknown"), or write the address as a part of another. */
function withoutRecipient(answer: string, to: string): string {
  const local = to.slice(0, to.lastIndexOf('@')).toLowerCase()
  const withoutWhole = answer.replace(/[^\s<>"'(),:;[\]]+@[^\s<>"'(),:;[\]]+/g, '[address]')
  return withoutAddresses(withoutWhole).replace(/[\w.!#$%&'*+/=?^`{|}~-]+/g, word => {
    const [first] = word.toLowerCase().split('=')
    return first === local ? '[address]' : word
  })
}
