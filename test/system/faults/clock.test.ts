/**
 * The clock is set an hour forward and back under a running process, as `date -s` or a time server does. Expired and
 * future tokens are refused, sessions continue, emails are sent, rate limits hold and end. With limits in memory, and
 * in a Redis whose clock is not set. The waits are those of the back-off, which no clock shortens.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { tokenIn } from '../../harness/app.ts'
import { freshDatabase } from '../../harness/database.ts'
import { serviceEnvironment, startProcess } from '../../harness/process.ts'
import { noRedisServer, startRedis } from '../../harness/redis.ts'
import { openRows } from '../../harness/rows.ts'
import { startSmtpServer } from '../../harness/smtp.ts'
import { until } from '../../harness/until.ts'
import type { Balancer } from '../cluster/balancer.ts'
import { mailFor, newAccount, newPerson, PASSWORD } from '../cluster/person.ts'
import { settableClock } from './settable-clock.ts'

const HOUR = 3600
/** Longer than any wait after a few failed logins, and far shorter than the change of the clock. */
const A_MINUTE = 60

/** How long the processor time of the idle process is measured. */
const MEASURED_MS = 2000

t.setTimeout(0)
// They spend most of their time waiting for a back-off or a timeout.
t.jobs = 3

async function start(t: Test, env: Record<string, string> = {}) {
  const clock = settableClock(t)
  const smtp = await startSmtpServer(t)
  const databaseUrl = await freshDatabase(t)
  const service = startProcess(t, {
    env: serviceEnvironment({
      DATABASE_URL: databaseUrl,
      MAIL_BACKEND: 'smtp',
      MAIL_SERVER: smtp.host,
      MAIL_PORT: String(smtp.port),
      RATE_LIMIT: 'on',
      LOG_LEVEL: 'warn',
      ...clock.env,
      ...env,
    }),
  })
  const url = await service.listening()
  /** Sets the clock and waits until the service reads it. */
  async function set(seconds: number) {
    clock.set(seconds)
    await until('the service sees the new time', async () => {
      const { headers } = await fetch(`${url}/health/live`)
      const off = Date.parse(headers.get('date') ?? '') - Date.now() - seconds * 1000
      return Math.abs(off) < 60_000
    })
  }
  const person = () => newPerson(t, { balancer: { url } as Balancer })
  return { service, smtp, url, set, person, rows: await openRows(t, databaseUrl) }
}

/** Processor time of a process in seconds. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

for (const limits of ['memory', 'redis'] as const) {
  const skip = limits === 'redis' && noRedisServer
  t.test(`limits in ${limits}: the clock is set forward and back`, { skip, timeout: 0 }, async t => {
    const env: Record<string, string> = limits === 'redis' ? { REDIS_URL: (await startRedis(t)).url } : {}
    const { service, smtp, set, person, rows } = await start(t, env)
    const ada = person()
    const account = await newAccount(ada, { smtp }, 'ada@example.org')
    const me = async (bearer: string) => (await ada.get('/me', { bearer })).status
    const refresh = (refreshToken: string) => ada.post('/token/refresh', { refreshToken })
    const logIn = () => person().post('/login', { email: account.email, password: PASSWORD })
    /** The token of the email that this request causes. */
    const askReset = async () => {
      const resets = () =>
        smtp.mails.filter(({ to, subject }) => to.includes(account.email) && /^Reset/.test(subject))
      const before = resets().length
      const answer = await person().post('/password-reset/request', { email: account.email })
      t.equal(answer.status, 202)
      while (resets().length === before) await smtp.waitForMails(smtp.mails.length + 1, 90_000)
      return tokenIn(resets().at(-1))
    }
    const guesser = person()
    /** Sends wrong passwords in parallel until one is delayed. Returns its Retry-After in seconds. */
    async function guess(times: number, what: string): Promise<number> {
      const wrong = { email: account.email, password: 'a wrong password' }
      const answers = await Promise.all(Array.from({ length: times }, () => guesser.post('/login', wrong)))
      const statuses = answers.map(({ status }) => status).sort()
      t.strictSame(statuses, [...Array(times - 1).fill(401), 429], what)
      const told = Number(answers.find(({ status }) => status === 429)?.headers['retry-after'])
      t.ok(told > 0 && told <= A_MINUTE, `${what}: the wait is short`, { told })
      return told
    }
    const limited = person()
    async function limitHolds(what: string) {
      const { status, headers } = await limited.post('/register', {})
      t.equal(status, 429, what)
      t.ok(Number(headers['retry-after']) <= HOUR, `${what}: it is told as it is`, {
        told: headers['retry-after'],
      })
    }
    t.equal(await me(account.accessToken), 200)
    const resetLink = await askReset()
    for (let i = 0; i < 20; i++) t.equal((await limited.post('/register', {})).status, 400)
    await limitHolds('twenty an hour')
    let wait = await guess(6, 'a sixth guess')

    await set(HOUR)
    t.equal(await me(account.accessToken), 401, 'an access token has expired')
    const check = await ada.post('/password-reset/check', { token: resetLink })
    t.equal(check.body.code, 'token_expired', 'and a reset link')
    const refreshed = await refresh(account.refreshToken)
    t.equal(refreshed.status, 200, 'a session goes on')
    t.equal(await me(refreshed.body.accessToken), 200)
    t.equal((await logIn()).status, 200)
    const before = smtp.mails.length
    t.equal((await person().post('/register', { email: 'new@example.org', password: PASSWORD })).status, 202)
    await smtp.waitForMails(before + 1)
    await limitHolds('an hour that did not pass')
    await delay(wait * 1000)
    wait = await guess(2, 'failures from before the clock was set forward')

    // An email that the SMTP server refuses, and a refresh, while the clock is ahead.
    await smtp.stop()
    t.equal((await person().post('/register', { email: 'late@example.org', password: PASSWORD })).status, 202)
    await until('it was tried', async () => {
      const row = await rows.client.outbox.findFirst({ where: { recipient: 'late@example.org' } })
      return row !== null && row.lastError !== null
    })
    const ahead = await refresh(refreshed.body.refreshToken)
    t.equal(ahead.status, 200)

    // The minute between two emails to one address is over by then.
    await set(A_MINUTE)
    await smtp.start()
    t.match(
      await mailFor({ smtp }, 'late@example.org', /^Confirm/),
      { to: ['late@example.org'] },
      'an email that was to wait half a minute does not wait an hour',
    )
    t.equal(await me(ahead.body.accessToken), 401, 'a token from the future is refused')
    const next = await refresh(ahead.body.refreshToken)
    t.equal(next.status, 200, 'and the session stays active')
    t.equal(await me(next.body.accessToken), 200)
    t.equal((await logIn()).status, 200)
    await limitHolds('an hour that is not two')
    await delay(wait * 1000)
    await guess(2, 'failures from before the clock was set back')
    const link = await askReset()
    const valid = await ada.post('/password-reset/check', { token: link })
    t.equal(valid.status, 200, 'emails requested now are sent now, and their links are valid')

    // Used while the clock was ahead: it does not become valid again for the hour that the clock was set back.
    const other = (await logIn()).body
    await set(HOUR)
    const successor = await refresh(other.refreshToken)
    t.equal(successor.status, 200)
    await set(A_MINUTE)
    t.equal((await refresh(other.refreshToken)).status, 401, 'a used refresh token stays used')
    t.equal((await refresh(successor.body.refreshToken)).status, 401, 'and a replay revokes the session')

    await rows.settled()
    const pid = service.child.pid as number
    const used = cpuSeconds(pid)
    await delay(MEASURED_MS)
    t.ok(cpuSeconds(pid) - used < MEASURED_MS / 2500, 'nothing spins', { seconds: cpuSeconds(pid) - used })
    t.strictSame(
      service.log().filter(({ level }) => Number(level) >= 50),
      [],
      'nothing failed',
    )
    t.equal(await service.end('SIGINT'), 0)
  })
}

t.test(
  'an email that is being sent is not sent twice when the clock is set forward',
  { timeout: 0 },
  async t => {
    const recipients: string[] = []
    const slow = await startSmtpServer(t, {
      hang: 'data',
      respond(command, address) {
        if (command === 'RCPT') recipients.push(address)
        return undefined
      },
    })
    const { set, person, rows } = await start(t, { MAIL_PORT: String(slow.port) })
    t.equal((await person().post('/register', { email: 'slow@example.org', password: PASSWORD })).status, 202)
    await until('the mail server has it in hand', () => recipients.length === 1)
    await set(HOUR)
    await until('its lease is renewed', async () => {
      const [row] = await rows.client.outbox.findMany()
      return row?.attempts === 2 && row.state === 'queued'
    })
    // The worker started on the first before it had the second.
    t.equal((await person().post('/register', { email: 'next@example.org', password: PASSWORD })).status, 202)
    await until('the next one is in hand', () => recipients.includes('next@example.org'))
    t.strictSame(recipients, ['slow@example.org', 'next@example.org'], 'it was delivered once')
  },
)
