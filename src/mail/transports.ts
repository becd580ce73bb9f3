/** Creates the transport that `MAIL_BACKEND` names. */
import type { Config } from '../config/config.ts'
import type { MailTransport } from './transport.ts'
import { createConsoleTransport } from './transport-console.ts'
import { createSmtpTransport, type SmtpConfig, type SmtpOptions } from './transport-smtp.ts'
import { createThreadedTransport } from './transport-thread.ts'

export interface MailTransportOptions extends SmtpOptions {
  /** Whether SMTP runs in a separate thread; tests that start many apps turn it off. */
  thread?: boolean
  /** Stream of the console transport; standard output by default. */
  output?: NodeJS.WritableStream
}

/** Creates the configured transport. Throws if MAIL_DEFAULT_SENDER is not one address. */
export function createMailTransport(
  config: Pick<Config, 'MAIL_BACKEND'> & SmtpConfig,
  options: MailTransportOptions = {},
): MailTransport {
  if (config.MAIL_BACKEND !== 'smtp') return createConsoleTransport(options.output)
  return options.thread ? createThreadedTransport(config) : createSmtpTransport(config, options)
}
