import t from 'tap'
import { v7 as uuidv7 } from 'uuid'
import { tokenIn } from '../../harness/app.ts'
import { freshDatabase } from '../../harness/database.ts'
import { serviceEnvironment, startProcess } from '../../harness/process.ts'
import { openRows } from '../../harness/rows.ts'
import { type SmtpServer, startSmtpServer } from '../../harness/smtp.ts'
import { until } from '../../harness/until.ts'
import { claimsOf } from '../../unit/tokens/forge.ts'

const person = { email: 'ada@example.org', password: 'correct horse battery staple' }
const account = 'bob@example.org'

const environment = (databaseUrl: string, smtp: SmtpServer) =>
  serviceEnvironment({
    DATABASE_URL: databaseUrl,
    MAIL_BACKEND: 'smtp',
    MAIL_SERVER: smtp.host,
    MAIL_PORT: String(smtp.port),
  })

async function post(url: string, path: string, body: object) {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
  return { status: response.status, body: await response.text() }
}

/** Opens the database while no process uses it, because SQLite allows one process. */
async function withRows<T>(
  databaseUrl: string,
  work: (rows: Awaited<ReturnType<typeof openRows>>) => Promise<T>,
) {
  const teardowns: (() => unknown)[] = []
  const rows = await openRows({ teardown: handler => teardowns.push(handler) }, databaseUrl)
  try {
    return await work(rows)
  } finally {
    for (const handler of teardowns) await handler()
  }
}

const secondsNow = () => Math.floor(Date.now() / 1000)

t.test(
  'a process killed while sending sends each email once after a restart, with links whose lifetime starts then',
  async t => {
    const databaseUrl = await freshDatabase(t)
    const now = new Date()
    const dates = { passwordChangedAt: now, emailConfirmedAt: now, createdAt: now }
    const passwordHash = '$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA'
    await withRows(databaseUrl, ({ client }) =>
      client.user.create({ data: { id: uuidv7(), email: account, passwordHash, ...dates } }),
    )
    let handedOver = 0
    const silent = await startSmtpServer(t, {
      hang: 'data',
      respond: command => void (command === 'RCPT' && handedOver++),
    })
    const killed = startProcess(t, { env: environment(databaseUrl, silent) })
    const first = await killed.listening()
    t.equal((await post(first, '/register', person)).status, 202)
    const reset = await post(first, '/password-reset/request', { email: account })
    t.equal(reset.status, 202)
    t.match(JSON.parse(reset.body), { status: 'reset_sent', requestToken: String })
    await until('the mail server has both mails', () => handedOver === 2)
    t.equal(await killed.end('SIGKILL'), 'SIGKILL')
    const asked = secondsNow()

    await withRows(databaseUrl, async ({ client }) => {
      const rows = await client.outbox.findMany()
      t.strictSame(
        rows.map(({ state }) => state),
        ['queued', 'queued'],
        'neither is lost or recorded as sent',
      )
      t.notMatch(JSON.stringify(rows), /eyJ|#token|argon2/)
      // Leases and back-offs of up to a minute expire.
      const past = new Date(Date.now() - 1)
      await client.outbox.updateMany({ where: { leasedUntil: { not: null } }, data: { leasedUntil: past } })
      await client.outbox.updateMany({ data: { nextAttemptAt: past } })
    })

    await until('the second of the requests is over', () => secondsNow() > asked)
    const after = await startSmtpServer(t)
    const service = startProcess(t, { env: environment(databaseUrl, after) })
    const url = await service.listening()
    const mails = await after.waitForMails(2)
    for (const [address, lifetime] of [
      [person.email, 86_400],
      [account, 1800],
    ] as const) {
      const token = tokenIn(mails.find(({ to }) => to.includes(address)))
      const { iat, exp } = claimsOf(token) as { iat: number; exp: number }
      t.ok(iat > asked, 'the link was made after the restart')
      t.equal(exp - iat, lifetime, 'with its full lifetime')
      const used =
        address === account
          ? await post(url, '/password-reset/check', { token })
          : await post(url, '/confirm-email', { token, password: person.password })
      t.equal(used.status, 200, 'and works')
    }
    t.equal(await service.end('SIGINT'), 0)
    t.equal(after.mails.length, 2, 'no mail was sent twice')
    t.equal(silent.mails.length, 0)
    await withRows(databaseUrl, async ({ client }) => {
      t.equal(await client.outbox.count({ where: { state: 'sent' } }), 2)
    })
  },
)
