import { BlockList, isIP } from 'node:net'
import nodemailer, { type NodemailerError } from 'nodemailer'
import addressparser from 'nodemailer/lib/addressparser'
import type { Config } from '../config.ts'
import { mailSendError, smtpError } from './smtp-error.ts'
import type { MailTransport } from './transports.ts'

/** What the SMTP transport reads of the configuration. */
export type SmtpConfig = Pick<
  Config,
  | 'MAIL_SERVER'
  | 'MAIL_PORT'
  | 'MAIL_USE_TLS'
  | 'MAIL_USE_SSL'
  | 'MAIL_USERNAME'
  | 'MAIL_PASSWORD'
  | 'MAIL_DEFAULT_SENDER'
>

/** Seams of the SMTP transport. */
export interface SmtpOptions {
  /** A certificate authority to trust in place of the system's, PEM. */
  tls?: { ca: string }
  /** Milliseconds, each with a default in `smtpTimeouts`. */
  timeouts?: Partial<typeof smtpTimeouts>
}

/** Milliseconds: to be connected with TLS up, for the greeting, of silence, for one whole mail. */
const smtpTimeouts = {
  connect: 10_000,
  greeting: 10_000,
  socket: 30_000,
  // A server that answers a byte at a time is never silent. Whoever holds a lease on the mail needs to
  // know when it will be over: the lease of the worker is longer than this.
  mail: 45_000,
}

/**
 * Hands mails to an SMTP server over a pool of connections. TLS is verified (1.2 or later). With
 * MAIL_USE_TLS a server that offers no STARTTLS gets neither credentials nor mail. With neither switch
 * STARTTLS is used where offered, except on this machine itself, where local relays commonly have a
 * certificate that nobody could verify and the traffic does not leave.
 *
 * @throws Error when MAIL_DEFAULT_SENDER is not one address
 */
export function createSmtpTransport(config: SmtpConfig, options: SmtpOptions = {}): MailTransport {
  const { MAIL_SERVER: host, MAIL_PORT: port, MAIL_USE_TLS, MAIL_USE_SSL } = config
  const from = parseSender(config.MAIL_DEFAULT_SENDER)
  const timeouts = { ...smtpTimeouts, ...options.timeouts }
  const inClear = !MAIL_USE_TLS && !MAIL_USE_SSL && isLoopback(host)
  const transporter = nodemailer.createTransport({
    pool: true,
    host,
    port,
    secure: MAIL_USE_SSL,
    requireTLS: MAIL_USE_TLS,
    ignoreTLS: inClear,
    tls: { minVersion: 'TLSv1.2', rejectUnauthorized: true, ...options.tls },
    connectionTimeout: timeouts.connect,
    greetingTimeout: timeouts.greeting,
    socketTimeout: timeouts.socket,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(config.MAIL_USERNAME
      ? { auth: { user: config.MAIL_USERNAME, pass: config.MAIL_PASSWORD ?? '' } }
      : {}),
  })

  const security = MAIL_USE_SSL
    ? 'TLS'
    : MAIL_USE_TLS
      ? 'STARTTLS'
      : inClear
        ? 'no TLS'
        : 'STARTTLS if offered'
  return {
    name: 'smtp',
    describe: () =>
      `SMTP ${isIP(host) === 6 ? `[${host}]` : host}:${port} (${security}), from ${from.address}`,
    async send({ to, subject, text, html }) {
      // The address object keeps nodemailer from reading a list, but it still quotes what it cannot
      // read: "a@b.co, evil@x.co" became one mailbox at x.co, the attacker's domain.
      if (!plainAddress.test(to)) {
        throw mailSendError('The recipient is not one plain address', {
          permanent: true,
          untaken: true,
          code: 'EENVELOPE',
        })
      }
      try {
        await transporter.sendMail({
          from,
          to: { name: '', address: to },
          subject,
          text,
          html,
          // RFC 3834, section 5: keeps vacation responders from answering.
          headers: { 'Auto-Submitted': 'auto-generated' },
          signal: AbortSignal.timeout(timeouts.mail),
        })
      } catch (error) {
        throw smtpError(error as NodemailerError, { to, text }, config.MAIL_PASSWORD)
      }
    },
    close: () => transporter.close(),
  }
}

/** One mailbox, nothing quoted, no white space, no character that has a meaning in an address list. */
const plainAddress = /^[^\s\p{Cc}"(),:;<>@[\\\]]{1,64}@[^\s\p{Cc}"(),:;<>@[\\\]]{1,253}$/u

function parseSender(sender: string): { name: string; address: string } {
  const [mailbox, ...others] = addressparser(sender, { flatten: true })
  if (!mailbox || others.length > 0 || !plainAddress.test(mailbox.address)) {
    throw new Error('MAIL_DEFAULT_SENDER must be one address, such as: latchkey <no-reply@example.org>')
  }
  return { name: mailbox.name, address: mailbox.address }
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

function isLoopback(host: string): boolean {
  return (
    host === 'localhost' || (isIP(host) !== 0 && loopback.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4'))
  )
}
