import { EventEmitter } from 'node:events'
import type { AddressInfo } from 'node:net'
import { TLSSocket } from 'node:tls'
import PostalMime from 'postal-mime'
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server'
import { type Certificate, selfSignedCertificate } from './certificates/self-signed.ts'

export interface ReceivedMail {
  /** Recipients of the envelope. */
  to: string[]
  /** Sender of the envelope. */
  from: string
  ehlo: string
  subject: string
  text: string
  html: string
  /** By lower-case name; the last of repeated headers. */
  headers: Record<string, string>
  raw: string
}

/** An attempt to authenticate. */
export interface SmtpLogin {
  username: string
  password: string
  secure: boolean
}

/** Read for each connection, and TLS settings at each start, so that tests can change them. */
export interface SmtpServerOptions {
  /** By default one for `localhost` and 127.0.0.1. */
  certificate?: Certificate
  /** By default `none`: no STARTTLS. */
  tls?: 'none' | 'starttls' | 'implicit'
  /** Required credentials; without them AUTH is not offered. */
  auth?: { user: string; pass: string }
  /** Called per recipient and message. A returned reply refuses it. */
  respond?: (command: 'MAIL' | 'RCPT' | 'DATA', address: string) => { code: number; text: string } | undefined
  /** `greeting`: accepts connections silently. `data`: accepts a message without a response. */
  hang?: 'greeting' | 'data' | undefined
  /** Closes the connection after the message, without a response. */
  breakOff?: boolean
}

/** Shared by all servers of a process. */
let localhost: Certificate | undefined

/** A real SMTP server on 127.0.0.1 that keeps messages. */
export interface SmtpServer {
  host: '127.0.0.1'
  /** Stays the same across stop and start. */
  port: number
  /** PEM of the certificate. */
  ca: string
  mails: ReceivedMail[]
  logins: SmtpLogin[]
  /** Connections that reached the greeting (implicit TLS: the handshake). */
  connections(): number
  /**
   * Waits until `count` emails have arrived.
   *
   * @param timeoutMs 10 s by default
   * @throws Error with the emails so far
   */
  waitForMails(count: number, timeoutMs?: number): Promise<ReceivedMail[]>
  /** Waits for an email to an address with a matching subject, among those from index `after` on. */
  waitForMail(to: string, subject: RegExp, after: number): Promise<ReceivedMail>
  /** Ends all connections and the listener. */
  stop(): Promise<void>
  isRunning(): boolean
  /** Starts on the same port with the current `options`. */
  start(): Promise<void>
}

// smtp-server asks for the protocol of connections whose handshake failed, to describe the error. Node 20 may then
// crash with SIGSEGV.
TLSSocket.prototype.getProtocol = () => null

/** Starts an SMTP server. */
export async function startSmtpServer(
  t: { teardown(handler: () => unknown): void },
  options: SmtpServerOptions = {},
): Promise<SmtpServer> {
  localhost ??= selfSignedCertificate()
  const { key, cert } = localhost
  const arrivals = new EventEmitter().setMaxListeners(0)
  const mails: ReceivedMail[] = []
  const logins: SmtpLogin[] = []
  let connections = 0
  let port = 0
  let running: SMTPServer | undefined

  const refusal = (command: 'MAIL' | 'RCPT' | 'DATA', address: string) => {
    const reply = options.respond?.(command, address)
    return reply && Object.assign(new Error(reply.text), { responseCode: reply.code })
  }

  async function receive(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<void> {
    const raw = Buffer.concat(await stream.toArray())
    if (options.hang === 'data') await new Promise<never>(() => {})
    if (options.breakOff) {
      for (const connection of running?.connections ?? []) connection.close()
      await new Promise<never>(() => {})
    }
    const { mailFrom, rcptTo } = session.envelope
    const to = rcptTo.map(recipient => recipient.address)
    const refused = refusal('DATA', to.join(', '))
    if (refused) throw refused
    const mail = await PostalMime.parse(raw)
    mails.push({
      to,
      from: mailFrom ? mailFrom.address : '',
      ehlo: String(session.hostNameAppearsAs),
      subject: mail.subject ?? '',
      text: mail.text ?? '',
      html: mail.html ?? '',
      headers: Object.fromEntries(mail.headers.map(header => [header.key, header.value])),
      raw: raw.toString('latin1'),
    })
    arrivals.emit('mail')
  }

  function start(): Promise<void> {
    const server = new SMTPServer({
      ...(options.certificate ?? { key, cert }),
      logger: false,
      disableReverseLookup: true,
      closeTimeout: 500,
      secure: options.tls === 'implicit',
      allowInsecureAuth: true,
      disabledCommands: [
        ...(options.tls === 'starttls' ? [] : ['STARTTLS']),
        ...(options.auth ? [] : ['AUTH']),
      ],
      onConnect(_session, callback) {
        connections += 1
        if (options.hang !== 'greeting') callback()
      },
      onAuth({ username = '', password }, session, callback) {
        logins.push({ username, password: password ?? '', secure: session.secure })
        const right = username === options.auth?.user && password === options.auth.pass
        callback(
          right ? null : new Error('Authentication credentials invalid'),
          right ? { user: username } : {},
        )
      },
      onMailFrom: ({ address }, _session, callback) => callback(refusal('MAIL', address)),
      onRcptTo: ({ address }, _session, callback) => callback(refusal('RCPT', address)),
      onData(stream, session, callback) {
        receive(stream, session).then(() => callback(), callback)
      },
    })
    // A client that disconnects, for example because of the certificate, causes an error event.
    server.on('error', () => {})
    running = server
    return new Promise((resolve, reject) => {
      server.server.once('error', reject)
      server.listen(port, '127.0.0.1', () => {
        server.server.off('error', reject)
        port = (server.server.address() as AddressInfo).port
        resolve()
      })
    })
  }

  function stop(): Promise<void> {
    const server = running
    running = undefined
    if (!server) return Promise.resolve()
    return new Promise(resolve => {
      server.close(resolve)
      for (const connection of server.connections) connection.close()
    })
  }

  function waitFor<T>(what: string, find: () => T | undefined, timeoutMs = 60_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const done = (settle: () => void) => {
        clearTimeout(timer)
        arrivals.off('mail', look)
        settle()
      }
      const look = () => {
        const found = find()
        if (found !== undefined) done(() => resolve(found))
      }
      const timer = setTimeout(() => {
        const came = mails.map(mail => `${mail.to.join(', ')}: ${mail.subject}`).join('; ') || 'none'
        done(() => reject(new Error(`waited ${timeoutMs} ms for ${what}; came: ${came}`)))
      }, timeoutMs)
      arrivals.on('mail', look)
      look()
    })
  }

  const waitForMails = (count: number, timeoutMs?: number) =>
    waitFor(`${count} mails`, () => (mails.length >= count ? [...mails] : undefined), timeoutMs)

  const waitForMail = (to: string, subject: RegExp, after: number) =>
    waitFor(`a mail to ${to}`, () =>
      mails.slice(after).find(mail => mail.to.includes(to) && subject.test(mail.subject)),
    )

  await start()
  t.teardown(stop)
  return {
    host: '127.0.0.1',
    port,
    ca: cert,
    mails,
    logins,
    connections: () => connections,
    waitForMails,
    waitForMail,
    isRunning: () => running !== undefined,
    stop,
    start,
  }
}
