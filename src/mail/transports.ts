/** Chooses the mail transport that the configuration names. */
import type { Config } from '../config/config.ts'
import type { MailTransport } from './transport.ts'
import { createConsoleTransport } from './transport-console.ts'
import { createSmtpTransport, type SmtpConfig, type SmtpOptions } from './transport-smtp.ts'
import { createThreadedTransport } from './transport-thread.ts'

/** Seams of the transports. */
export interface MailTransportOptions extends SmtpOptions {
  /** Whether SMTP is spoken in a thread of its own; tests that start many apps do without. */
  thread?: boolean
  /** Where the console transport prints; standard output unless given. */
  output?: NodeJS.WritableStream
}

/**
 * Makes the transport that the configuration names.
 *
 * @throws Error when MAIL_DEFAULT_SENDER is not one address
 */
export function createMailTransport(
  config: Pick<Config, 'MAIL_BACKEND'> & SmtpConfig,
  options: MailTransportOptions = {},
): MailTransport {
  if (config.MAIL_BACKEND !== 'smtp') return createConsoleTransport(options.output)
  return options.thread ? createThreadedTransport(config) : createSmtpTransport(config, options)
}
