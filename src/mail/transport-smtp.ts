/** Sends emails by SMTP. */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import type { NodemailerError } from 'nodemailer'
import addressparser from 'nodemailer/lib/addressparser'
import type { Config } from '../config/config.ts'
import { isLoopback } from '../config/urls.ts'
import { smtpError } from './smtp-error.ts'
import { MailSendError, type MailTransport } from './transport.ts'

export type SmtpConfig = Pick<
  Config,
  | 'MAIL_SERVER'
  | 'MAIL_PORT'
  | 'MAIL_USE_TLS'
  | 'MAIL_USE_SSL'
  | 'MAIL_USERNAME'
  | 'MAIL_PASSWORD'
  | 'MAIL_DEFAULT_SENDER'
  | 'MAIL_REPLY_TO'
  | 'MAIL_ENVELOPE_SENDER'
  | 'MAIL_EHLO_NAME'
  | 'MAIL_CA_FILE'
> & { APP_URL?: string }

export interface SmtpOptions {
  /** PEM of a certificate authority to trust instead of the system's. */
  tls?: { ca: string }
  timeouts?: Partial<typeof smtpTimeouts>
}

/** Milliseconds: connection with TLS, greeting, silence, whole email, probe. */
const smtpTimeouts = {
  connect: 10_000,
  greeting: 10_000,
  socket: 30_000,
  // A server that answers byte by byte is never silent. The worker's lease is longer than this.
  mail: 45_000,
  // Together with an email it must end within the lease.
  probe: 10_000,
}

/**
 * Sends emails over a pool of SMTP connections with verified TLS (1.2 or later). Without MAIL_USE_TLS and
 * MAIL_USE_SSL, STARTTLS is used if offered, except on localhost, where certificates cannot be verified.
 * @throws Error if MAIL_DEFAULT_SENDER or MAIL_REPLY_TO is not one address, or MAIL_CA_FILE cannot be read
 */
export function createSmtpTransport(config: SmtpConfig, options: SmtpOptions = {}): MailTransport {
  const { MAIL_SERVER: host, MAIL_PORT: port, MAIL_USE_TLS, MAIL_USE_SSL } = config
  const from = parseMailbox('MAIL_DEFAULT_SENDER', config.MAIL_DEFAULT_SENDER)
  const replyTo = config.MAIL_REPLY_TO && parseMailbox('MAIL_REPLY_TO', config.MAIL_REPLY_TO)
  const name = config.MAIL_EHLO_NAME ?? ehloName(config.APP_URL)
  const timeouts = { ...smtpTimeouts, ...options.timeouts }
  const inClear = !MAIL_USE_TLS && !MAIL_USE_SSL && isLoopback(host)
  const trusted = { ...authority(config.MAIL_CA_FILE), ...options.tls }
  // At the first mail: the main thread only checks the settings.
  const connect = async () => {
    const nodemailer = await import('nodemailer')
    return nodemailer.createTransport({
      pool: true,
      host,
      port,
      ...(name && { name }),
      secure: MAIL_USE_SSL,
      requireTLS: MAIL_USE_TLS,
      ignoreTLS: inClear,
      tls: {
        minVersion: 'TLSv1.2',
        rejectUnauthorized: true,
        ...trusted,
      },
      connectionTimeout: timeouts.connect,
      greetingTimeout: timeouts.greeting,
      socketTimeout: timeouts.socket,
      disableFileAccess: true,
      disableUrlAccess: true,
      ...(config.MAIL_USERNAME
        ? { auth: { user: config.MAIL_USERNAME, pass: config.MAIL_PASSWORD ?? '' } }
        : {}),
    })
  }
  let transporter: ReturnType<typeof connect> | undefined

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
      // As an address object it cannot become a list, but nodemailer quotes what it cannot parse: "a@b.co,
      // evil@x.co" became one mailbox at x.co.
      if (!plainAddress.test(to)) {
        throw new MailSendError('The recipient is not one plain address', {
          permanent: true,
          untaken: true,
          refusesService: false,
          unreachable: false,
          code: 'EENVELOPE',
        })
      }
      try {
        transporter ??= connect()
        await (await transporter).sendMail({
          from,
          to: { name: '', address: to },
          ...(replyTo && { replyTo }),
          ...(config.MAIL_ENVELOPE_SENDER && { envelope: { from: config.MAIL_ENVELOPE_SENDER, to: [to] } }),
          subject,
          text,
          html,
          // RFC 3834, section 5: suppresses automatic replies.
          headers: { 'Auto-Submitted': 'auto-generated' },
          signal: AbortSignal.timeout(timeouts.mail),
        })
      } catch (error) {
        throw smtpError(error as NodemailerError, { to, text }, config.MAIL_PASSWORD)
      }
    },
    async probe() {
      try {
        transporter ??= connect()
        await endsWithin(timeouts.probe, (await transporter).verify())
      } catch (error) {
        throw smtpError(error as NodemailerError, { to: '', text: '' }, config.MAIL_PASSWORD)
      }
    },
    close: () => void transporter?.then(pool => pool.close()),
  }
}

async function endsWithin(milliseconds: number, work: Promise<unknown>): Promise<void> {
  const timeout = AbortSignal.timeout(milliseconds)
  const ended = new Promise<never>((_, reject) => {
    const late = Object.assign(new Error('the server did not answer in time'), { code: 'ETIMEDOUT' })
    timeout.addEventListener('abort', () => reject(late), { once: true })
  })
  await Promise.race([work, ended])
}

/** One mailbox without quotes, white space or characters with a meaning in address lists. */
const plainAddress = /^[^\s\p{Cc}"(),:;<>@[\\\]]{1,64}@[^\s\p{Cc}"(),:;<>@[\\\]]{1,253}$/u

function parseMailbox(variable: string, text: string): { name: string; address: string } {
  const [mailbox, ...others] = addressparser(text, { flatten: true })
  if (!mailbox || others.length > 0 || !plainAddress.test(mailbox.address)) {
    throw new Error(`${variable} must be one address, such as: latchkey <no-reply@example.org>`)
  }
  return { name: mailbox.name, address: mailbox.address }
}

// Relays refuse nodemailer's default, an address literal of this machine, if the host name has no dot
// (containers). RFC 5321, section 4.1.3, defines literals.
function ehloName(appUrl: string | undefined): string | undefined {
  if (appUrl === undefined) return undefined
  const host = new URL(appUrl).hostname.replace(/^\[(.*)\]$/, '$1')
  const family = isIP(host)
  return family === 6 ? `[IPv6:${host}]` : family === 4 ? `[${host}]` : host
}

function authority(path: string | undefined): { ca?: string } {
  if (path === undefined) return {}
  try {
    return { ca: readFileSync(path, 'utf8') }
  } catch (error) {
    throw new Error(`MAIL_CA_FILE cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}
