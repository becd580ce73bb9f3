/** Classifies failures of SMTP: permanent, transient, or of the service itself. */
import type { NodemailerError } from 'nodemailer'
import { withoutAddresses } from '../shared/log-scrub.ts'
import { MailSendError } from './transport.ts'

/** RFC 4954, section 6: replies about authentication, to any command. */
const authenticationReplies = new Set([530, 534, 535, 538])
/**
 * RFC 3463, section 3.8: security or policy, such as 5.7.1 if a relay requires credentials. qmail appends it.
 */
const policyStatus = /^5\d\d[ -]5\.7\.\d{1,3}\b|\(#5\.7\.\d{1,3}\)\s*$/m
/** Exim sends no status: "550 relay not permitted". */
const relayRefused = /^5\d\d[ -](?!5\.\d)[^\n]*\brelay(ing)?\b/im
/** nodemailer reports certificate and handshake failures as socket errors. */
const tlsFailure = /certificate|altnames|\b(TLS|SSL)\b/i

/** Failures before the handover of an email. */
const beforeTheMail = new Set(['EDNS', 'ETLS', 'EAUTH', 'EENVELOPE'])

export type SendFailure = Pick<
  MailSendError,
  'message' | 'permanent' | 'untaken' | 'refusesService' | 'unreachable'
>

/**
 * Converts nodemailer's error into one that is safe to log and store. The original is not kept, because it
 * contains the server's raw answer. Only a refusal of this recipient or message is permanent; an operator can
 * fix a refusal of the service.
 * @param mail the email, parts of which the answer may quote
 * @param password the SMTP password, which it may quote too
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
    // Sender or client name refused.
    (refused && !/^(RCPT|DATA)/.test(command))
  const permanent =
    (refused && !refusesService) ||
    // Refused by nodemailer, before any server.
    (code === 'EENVELOPE' && command === 'API')
  // nodemailer's messages end with the raw answer; only the cleaned one is kept.
  const answer =
    error.response ?? (code === 'EABORT' ? 'the server timed out during this email' : error.message)
  const stage = command && command !== 'API' ? ` at ${command}` : ''
  const away = responseCode === undefined ? code !== 'EENVELOPE' : responseCode === 421 || command === 'CONN'
  // A connection error quotes no recipient, and a local part may be one of its words.
  const quotable = error.response === undefined && responseCode === undefined ? { ...mail, to: '' } : mail
  return new MailSendError(`SMTP ${code}${stage}: ${clean(answer, quotable, password)}`, {
    permanent,
    refusesService,
    // RFC 5321, section 3.8: a server may end a session with 421 at any time.
    unreachable: away && !refusesService,
    untaken: responseCode !== undefined || error.syscall === 'connect' || beforeTheMail.has(code),
    code,
    ...(responseCode === undefined ? {} : { responseCode }),
  })
}

/** Converts anything that sending threw, so that an unexpected error still leads to a retry. */
export function sendError(thrown: unknown, mail: { to: string; text: string }): SendFailure {
  if (thrown instanceof MailSendError) return thrown
  const { message } = (thrown ?? {}) as Partial<Error>
  const answer = typeof message === 'string' ? clean(message, mail, undefined) : `${typeof thrown} was thrown`
  return { message: answer, permanent: false, untaken: false, refusesService: false, unreachable: false }
}

// Removes what the answer may quote from the email: spam filters name the link with its token, and refusals
// repeat the address.
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

/** A token, a part of one, or a code. */
function isSecretOf({ to, text }: { to: string; text: string }, word: string): boolean {
  return (word.length >= 24 || /\d/.test(word)) && text.includes(word) && !to.includes(word)
}

// Some servers repeat only the local part ("User ada unknown"), or embed the address in another one.
function withoutRecipient(answer: string, to: string): string {
  const local = to.slice(0, to.lastIndexOf('@')).toLowerCase()
  const withoutWhole = answer.replace(/[^\s<>"'(),:;[\]]+@[^\s<>"'(),:;[\]]+/g, '[address]')
  return withoutAddresses(withoutWhole).replace(/[\w.!#$%&'*+/=?^`{|}~-]+/g, word => {
    const [first] = word.toLowerCase().split('=')
    return first === local ? '[address]' : word
  })
}
