/** Mail transports and their error. */

export interface OutgoingMail {
  /** One plain addr-spec. */
  to: string
  subject: string
  text: string
  html: string
}

export interface MailTransport {
  name: 'console' | 'smtp'
  /** Names the destination for the banner, without credentials. */
  describe(): string
  /**
   * Sends one email.
   * @throws MailSendError if it was not accepted
   */
  send(mail: OutgoingMail): Promise<void>
  /** Takes about as long as `send`, but sends nothing. */
  pretend?(mail: OutgoingMail): Promise<void>
  /**
   * Opens a connection up to the point where an email could be sent.
   * @throws MailSendError if the server is unreachable or refuses the service
   */
  probe?(): Promise<void>
  /** Closes idle connections. An email in progress is finished first. */
  close(): void
}

/** Reason for a failure. The message contains nothing of the email and no password, so it is safe to log. */
export class MailSendError extends Error {
  /** The same email would be refused again. */
  readonly permanent: boolean
  /** The server certainly did not accept the email. A connection may also break after it did. */
  readonly untaken: boolean
  /** The server refuses the service: its credentials, TLS, sender or right to relay. */
  readonly refusesService: boolean
  /** The server is unreachable: no connection, or no response in time. */
  readonly unreachable: boolean
  /** nodemailer's code (`ETIMEDOUT`, `ETLS`, `EAUTH`, `EENVELOPE` ...). */
  readonly code: string
  /** SMTP reply code, if there was a reply. */
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
