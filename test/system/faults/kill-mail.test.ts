import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { v7 as uuidv7 } from 'uuid'
import { tokenIn } from '../../harness/app.ts'
import { freshDatabase } from '../../harness/database.ts'
import { type ServiceProcess, serviceEnvironment, startProcess } from '../../harness/process.ts'
import { openRows } from '../../harness/rows.ts'
import { type SmtpServer, startSmtpServer } from '../../harness/smtp.ts'

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
  const answer = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
  return { status: answer.status, body: await answer.text() }
}

/** Opens the database while no process has it, which is all that SQLite allows. */
async function between<T>(
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

async function databaseWithAccount(t: Test) {
  const databaseUrl = await freshDatabase(t)
  const now = new Date()
  await between(databaseUrl, ({ client }) =>
    client.user.create({
      data: {
        id: uuidv7(),
        email: account,
        passwordHash: '$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA',
        passwordChangedAt: now,
        emailConfirmedAt: now,
        createdAt: now,
      },
    }),
  )
  return databaseUrl
}

/** Asks for two mails, and kills the process the moment that the answers are there. */
async function askAndKill(t: Test, service: ServiceProcess, wait: () => Promise<unknown>) {
  const url = await service.listening()
  t.equal((await post(url, '/register', person)).status, 202)
  const reset = await post(url, '/password-reset/request', { email: account })
  t.equal(reset.status, 202)
  t.match(JSON.parse(reset.body), { status: 'reset_sent', requestToken: String })
  await wait()
  t.equal(await service.end('SIGKILL'), 'SIGKILL')
}

for (const { when, hang, settle } of [
  { when: 'the moment after the answer', hang: 'greeting' as const, settle: async () => {} },
  {
    when: 'while the mail server has the mail and says nothing',
    hang: 'data' as const,
    settle: async (smtp: SmtpServer) => {
      while (smtp.connections() < 2) await delay(20)
      await delay(200)
    },
  },
  { when: 'while the mail server is down', hang: undefined, settle: () => delay(200) },
]) {
  t.test(
    `killed ${when}: after a restart the mails come, once, with links whose life starts then`,
    async t => {
      const databaseUrl = await databaseWithAccount(t)
      const before = await startSmtpServer(t, hang ? { hang } : {})
      if (hang === undefined) await before.stop()
      await askAndKill(t, startProcess(t, { env: environment(databaseUrl, before) }), () => settle(before))

      await between(databaseUrl, async ({ client }) => {
        const rows = await client.outbox.findMany()
        t.equal(rows.length, 2)
        t.ok(
          rows.every(({ state }) => state === 'queued'),
          'nothing is lost and nothing taken for sent',
        )
        t.notMatch(JSON.stringify(rows), /eyJ|#token|argon2/)
        // Leases and waits of up to a minute go by.
        const past = new Date(Date.now() - 1)
        await client.outbox.updateMany({ where: { leasedUntil: { not: null } }, data: { leasedUntil: past } })
        await client.outbox.updateMany({ data: { nextAttemptAt: past } })
      })

      const after = await startSmtpServer(t)
      // So that a second tells "asked" from "sent".
      await delay(1000)
      const restarted = Math.floor(Date.now() / 1000)
      const service = startProcess(t, { env: environment(databaseUrl, after) })
      const url = await service.listening()
      const mails = await after.waitForMails(2)
      for (const [address, life] of [
        [person.email, 86_400],
        [account, 1800],
      ] as const) {
        const token = tokenIn(mails.find(({ to }) => to.includes(address)))
        const { iat, exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
        t.ok(iat >= restarted, 'the link is young')
        t.equal(exp - iat, life, 'and has its whole life before it')
        const confirmed =
          address === account
            ? await post(url, '/password-reset/check', { token })
            : await post(url, '/confirm-email', { token, password: person.password })
        t.equal(confirmed.status, 200, 'and works')
      }
      await service.end('SIGINT')
      t.equal(after.mails.length, 2, 'nothing twice')
      t.equal(before.mails.length, 0)
      await between(databaseUrl, async ({ client }) => {
        t.equal(await client.outbox.count({ where: { state: 'sent' } }), 2)
      })
    },
  )
}
