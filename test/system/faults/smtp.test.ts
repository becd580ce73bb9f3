/**
 * The SMTP server is down, hangs, defers, refuses, and disconnects. Responses do not show it; emails wait and arrive
 * once when it recovers, except those that are refused permanently. Two of the cases wait for real timeouts (10 s for
 * a greeting, 30 s of silence).
 */
import t, { type Test } from 'tap'
import type { SmtpServerOptions } from '../../harness/smtp.ts'
import { until } from '../../harness/until.ts'
import { leaksNothing, type SmtpService, startSmtpService, waitsForRetry } from './smtp-service.ts'

t.jobs = 2

interface Fault {
  name: string
  /** The error in the row. */
  says: RegExp
  /** Causes the fault. */
  fails(office: SmtpService): Promise<void> | void
  recovers(office: SmtpService): Promise<void> | void
}

const away: Fault = {
  name: 'away',
  says: /ECONNREFUSED|ECONNECTION|ESOCKET|closed/i,
  fails: ({ smtp }) => smtp.stop(),
  recovers: ({ smtp }) => smtp.start(),
}

/** A fault that options of the server cause. */
const odd = (name: string, says: RegExp, how: Partial<SmtpServerOptions>): Fault => ({
  name,
  says,
  async fails({ options, smtp }) {
    Object.assign(options, how)
    // Open connections would keep their options.
    await smtp.stop()
    await smtp.start()
  },
  async recovers({ options, smtp }) {
    for (const option of Object.keys(how)) delete options[option as keyof SmtpServerOptions]
    await smtp.stop()
    await smtp.start()
  },
})

const put = (command: string, code: number) => ({
  respond: (at: string) => (at === command ? { code, text: 'not like this' } : undefined),
})

/** One email, from its first failure to its delivery. */
async function isDeliveredInTheEnd(t: Test, office: SmtpService, { name, says, fails, recovers }: Fault) {
  const email = `${name.replace(/\W+/g, '-')}@example.org`
  await fails(office)
  const asked = Date.now()
  await office.registers(t, email)
  const row = await office.settled(email)
  t.equal(row.state, 'queued', `${name}: it is not given up`)
  t.match(row.lastError, says)
  waitsForRetry(t, row, asked)
  await recovers(office)
  await office.makeRetriesDue()
  t.equal((await office.settled(email)).state, 'sent', `${name}: it comes when the server is well again`)
  t.equal(office.smtp.mails.filter(({ to }) => to.includes(email)).length, 1, 'once')
}

t.test('emails survive an SMTP server that is down, defers, aborts or disconnects at once', async t => {
  const office = await startSmtpService(t, {})
  for (const fault of [
    away,
    odd('puts off (greylisting)', /450/, put('RCPT', 450)),
    odd('has no room', /452/, put('DATA', 452)),
    odd('takes no mail from us', /550/, put('MAIL', 550)),
    odd('breaks off after the message', /ECONNECTION|ECONNRESET|ESOCKET|closed/i, { breakOff: true }),
  ]) {
    await isDeliveredInTheEnd(t, office, fault)
  }

  for (const command of ['RCPT', 'DATA']) {
    const email = `refused-${command.toLowerCase()}@example.org`
    const fault = odd('refuses', /550/, put(command, 550))
    await fault.fails(office)
    await office.registers(t, email)
    const dead = await office.settled(email)
    t.match(
      [dead.state, dead.attempts, dead.lastError],
      ['dead', 1, fault.says],
      '550 for this email is permanent',
    )
    await fault.recovers(office)
  }

  await away.fails(office)
  await office.registers(t, 'last-try@example.org')
  const once = await office.settled('last-try@example.org')
  t.equal(once.state, 'queued')
  await office.rows.client.outbox.update({ where: { id: once.id }, data: { attempts: 6 } })
  await office.makeRetriesDue()
  const wait = (await office.settled(once.recipient)).nextAttemptAt.getTime() - Date.now()
  const hour = 3_600_000
  t.ok(wait > 14 * hour && wait < 22 * hour, 'the wait before the eighth try is 18 h, a fifth more or less', {
    wait,
  })
  await office.makeRetriesDue()
  const dead = await office.settled(once.recipient)
  t.match([dead.state, dead.attempts], ['dead', 8], 'the eighth is the last')
  await away.recovers(office)
  await until('nothing waits any more', async () => {
    await office.makeRetriesDue()
    return (await office.rows.client.outbox.count({ where: { state: 'queued' } })) === 0
  })
  const unsent = office.smtp.mails.filter(({ to }) => /refused-|last-try/.test(String(to)))
  t.strictSame(unsent, [], 'a dead letter is not retried')
  t.equal(
    office.service.log().filter(({ msg }) => msg === 'email is a dead letter').length,
    await office.rows.client.outbox.count({ where: { state: 'dead' } }),
  )
  leaksNothing(t, office)
})

for (const fault of [
  odd('hangs before its greeting', /greeting|ETIMEDOUT|timeout/i, { hang: 'greeting' }),
  odd('hangs after the message', /ETIMEDOUT|timeout|too long/i, { hang: 'data' }),
]) {
  t.test(`an SMTP server that ${fault.name} delays only emails`, async t => {
    const office = await startSmtpService(t, {})
    await isDeliveredInTheEnd(t, office, fault)
    leaksNothing(t, office)
  })
}
