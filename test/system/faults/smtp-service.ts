/** The service with a failing SMTP server, and the rows of its outbox. */
import type { Test } from 'tap'
import { freshDatabase } from '../../harness/database.ts'
import { type ServiceProcess, serviceEnvironment, startProcess } from '../../harness/process.ts'
import { openRows, type Rows } from '../../harness/rows.ts'
import { type SmtpServer, type SmtpServerOptions, startSmtpServer } from '../../harness/smtp.ts'
import { until } from '../../harness/until.ts'
import { startEavesdropper } from './eavesdropper.ts'
import { ask, newAccount, PASSWORD } from './load.ts'

/** Credentials of the service at the SMTP server; never logged, never sent in clear. */
export const CREDENTIALS = { user: 'mailer-of-latchkey', pass: 'a-password-for-the-mail-server' }

/** Far less than any SMTP timeout of the worker: a response does not wait for one. */
const WITHOUT_WAITING_MS = 8000

export interface SmtpService {
  options: SmtpServerOptions
  smtp: SmtpServer
  service: ServiceProcess
  rows: Rows
  /** Everything that the service sent to the SMTP server, as an eavesdropper reads it. */
  eavesdropped(): string
  /** Registers an address, and asserts that the responses are those of a working SMTP server. */
  registers(t: Test, email: string): Promise<void>
  /** The only row of an address, once it has failed and waits, or is finished. */
  settled(email: string): Promise<Awaited<ReturnType<Rows['client']['outbox']['findFirstOrThrow']>>>
  /** Makes all retries due. */
  makeRetriesDue(): Promise<void>
}

/**
 * Starts the service with an SMTP server.
 *
 * @param options of the SMTP server; may be changed, those of TLS between its stop and start
 * @param env for the service
 */
export async function startSmtpService(
  t: Test,
  options: SmtpServerOptions,
  env: Record<string, string> = {},
): Promise<SmtpService> {
  const databaseUrl = await freshDatabase(t)
  const smtp = await startSmtpServer(t, options)
  const eavesdropper = await startEavesdropper(t, smtp.port)
  const service = startProcess(t, {
    env: serviceEnvironment({
      DATABASE_URL: databaseUrl,
      MAIL_BACKEND: 'smtp',
      MAIL_SERVER: smtp.host,
      MAIL_PORT: String(eavesdropper.port),
      LOG_LEVEL: 'trace',
      ...env,
    }),
  })
  const url = await service.listening()
  await newAccount(url, smtp, 'known@example.org')
  const rows = await openRows(t, databaseUrl)
  await rows.settled()

  async function answers(email: string) {
    const replies = []
    for (const [path, body] of [
      ['/register', { email, password: PASSWORD }],
      ['/register', { email: 'known@example.org', password: PASSWORD }],
      ['/password-reset/request', { email: 'known@example.org' }],
      ['/password-reset/request', { email: 'unknown@example.org' }],
    ] as const) {
      replies.push(await ask(url, 'POST', path, { body }))
    }
    return replies
  }
  const told = (replies: Awaited<ReturnType<typeof answers>>) =>
    replies.map(({ path, status, headers, body }) => ({
      path,
      status,
      // The token of a request is new each time. It carries the address that the client sent, of any length.
      body: { ...body, ...(body?.requestToken && { requestToken: typeof body.requestToken }) },
      headers: Object.keys(headers)
        .filter(name => name !== 'x-request-id')
        .sort(),
    }))
  const usual = told(await answers('first@example.org'))
  await rows.settled()

  return {
    options,
    smtp,
    service,
    rows,
    eavesdropped: eavesdropper.eavesdropped,
    async registers(t, email) {
      const replies = await answers(email)
      t.strictSame(told(replies), usual, 'the responses are the same')
      const ms = Math.round(Math.max(...replies.map(reply => reply.ms)))
      t.ok(ms < WITHOUT_WAITING_MS, 'and do not wait for the mail server', { ms })
    },
    async settled(email) {
      const find = () => rows.client.outbox.findFirstOrThrow({ where: { recipient: email } })
      // Nor may others be in progress: they share a probe of the mail server, which a later email could meet.
      const inProgress = () => ({
        OR: [{ leasedUntil: { not: null } }, { nextAttemptAt: { lte: new Date() } }],
      })
      await until(`the mail to ${email} is sent, dead, or waits for another try`, async () => {
        const { state, lastError } = await find()
        const busy = await rows.client.outbox.count({ where: { state: 'queued', ...inProgress() } })
        return busy === 0 && (state !== 'queued' || lastError !== null)
      })
      return find()
    },
    async makeRetriesDue() {
      // Claimed rows must not be claimed again.
      await rows.client.outbox.updateMany({
        where: { state: 'queued', leasedUntil: null },
        data: { nextAttemptAt: new Date(Date.now() - 1), lastError: null },
      })
    },
  }
}

/** Asserts that an email waits for its second attempt as long as documented: 30 s, a fifth more or less. */
export function waitsForRetry(t: Test, row: { nextAttemptAt: Date; attempts: number }, failedSince: number) {
  const from = row.nextAttemptAt.getTime() - failedSince
  t.equal(row.attempts, 1, 'it was tried once')
  t.ok(from >= 24_000 && row.nextAttemptAt.getTime() <= Date.now() + 36_000, 'and waits', { from })
}

/** Asserts that the process is ready, and that its log contains neither emails nor credentials. */
export function leaksNothing(t: Test, { service, smtp }: SmtpService) {
  t.equal(service.child.exitCode, null, 'the process is still the same')
  t.equal(service.stderr(), '', 'no error was unhandled')
  const tokens = smtp.mails.flatMap(({ text }) =>
    [...text.matchAll(/#token=(\S+)/g)].map(([, token]) => token),
  )
  const secrets = [
    PASSWORD,
    CREDENTIALS.pass,
    Buffer.from(CREDENTIALS.pass).toString('base64'),
    'eyJ',
    ...tokens,
  ]
  const written = service.stdout()
  t.strictSame(
    secrets.filter(secret => written.includes(String(secret))),
    [],
    'no secret is in the log',
  )
}
