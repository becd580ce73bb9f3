/** What a mail transport is, and the error it throws. */

/** A mail on its way out. */
export interface OutgoingMail {
  /** The stored address: one plain addr-spec. */
  to: string
  subject: string
  text: string
  html: string
}

/** A way for mails to leave. */
export interface MailTransport {
  name: 'console' | 'smtp'
  /** Where mails go, for the start-up banner; never credentials. */
  describe(): string
  /**
   * Hands one mail over.
   *
   * @throws MailSendError when it was not taken
   */
  send(mail: OutgoingMail): Promise<void>
  /** Takes about as long as `send`, and sends nothing. */
  pretend?(mail: OutgoingMail): Promise<void>
  /** Lets go of connections. A mail being handed over is finished first. */
  close(): void
}

/** Why a mail was not taken. Its message holds nothing of the mail and no password: fit for a log. */
export class MailSendError extends Error {
  /** Whether the same mail would be refused again, so that trying again is no use. */
  readonly permanent: boolean
  /** Whether it is certain that the server did not take the mail; a connection may break after it did. */
  readonly untaken: boolean
  /** Whether the server refuses this service, whatever the mail: its credentials, TLS, sender or right to relay. */
  readonly refusesService: boolean
  /** Whether the server was away, whatever the mail: no connection, no answer, or none in time. */
  readonly unreachable: boolean
  /** What went wrong, as nodemailer names it (`ETIMEDOUT`, `ETLS`, `EAUTH`, `EENVELOPE` ...). */
  readonly code: string
  /** The server's reply code, if it answered. */
  readonly responseCode?: number

  constructor(message: string, details: Omit<MailSendError, keyof Error>) {
    super(message)
    this.permanent = details.permanent
    this.untaken = details.untaken
    this.refusesService = details.refusesService
    this.unreachable = details.unreachable
    this.code = details.code
    if (details.responseCode !== undefined) this.responseCode = details.responseCode
  }
}
