import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { buildApp, type Overrides } from '../../../src/app.ts'
import { loadConfig } from '../../../src/config/config.ts'
import type { MailTransport, OutgoingMail } from '../../../src/mail/transport.ts'
import { startApp, testClock, testEnvironment, tokenIn } from '../../harness/app.ts'
import { freshDatabase } from '../../harness/database.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { onTheWire } from '../../harness/raw-http.ts'
import { openRows } from '../../harness/rows.ts'
import { until } from '../../harness/until.ts'

const person = { email: 'ada@example.org', password: 'correct horse battery staple' }
const timing = { poll: 0.05, firstRetry: 0.05 }

/** A transport that keeps emails, or fails as the test says. */
function failingTransport() {
  const taken: OutgoingMail[] = []
  const tried: OutgoingMail[] = []
  const state: { fail?: ((mail: OutgoingMail) => Promise<void>) | undefined } = {}
  const transport: MailTransport = {
    name: 'smtp',
    describe: () => 'a transport that fails',
    send(mail) {
      tried.push(mail)
      if (state.fail) return state.fail(mail)
      taken.push(mail)
      return Promise.resolve()
    },
    close() {},
  }
  return { transport, taken, tried, state }
}

const odd: [name: string, fail: (mail: OutgoingMail) => Promise<void>][] = [
  [
    'throws at once',
    mail => {
      throw new Error(`cannot send ${mail.text}`)
    },
  ],
  ['rejects with an error that quotes the mail', mail => Promise.reject(new Error(mail.text))],
  ['rejects with the mail itself', mail => Promise.reject(mail)],
  ['rejects with nothing', () => Promise.reject()],
  ['rejects with null', () => Promise.reject(null)],
  ['rejects with the text of the mail', mail => Promise.reject(mail.text)],
  ['rejects with a number', () => Promise.reject(5)],
  ['rejects with a message that is none', mail => Promise.reject({ message: mail, permanent: 'yes' })],
  ['rejects with something frozen', () => Promise.reject(Object.freeze({ message: 'frozen' }))],
]

t.test('an email is retried whatever its transport throws', async t => {
  const { transport, taken, tried, state } = failingTransport()
  const { app, log, databaseUrl } = await startApp(t, { overrides: { mail: { transport, timing } } })
  const { client } = await openRows(t, databaseUrl)
  for (const [index, [name, fail]] of odd.entries()) {
    const to = `odd-${index}@example.org`
    const countOf = (mails: OutgoingMail[]) => mails.filter(mail => mail.to === to).length
    state.fail = fail
    const payload = { ...person, email: to }
    const answer = await app.inject({ method: 'POST', url: '/register', payload })
    t.equal(answer.statusCode, 202, `${name}: the answer does not show it`)
    await until('it was tried again', () => countOf(tried) > 1)
    state.fail = undefined
    const sent = { recipient: to, state: 'sent' }
    await until('it is sent', async () => (await client.outbox.count({ where: sent })) === 1)
    t.equal(countOf(taken), 1, `${name}: the mail comes once`)
  }
  const told = log.filter(({ msg }) => /SMTP delivery failed/.test(String(msg)))
  t.ok(told.length >= odd.length, 'each failure is logged')
  const everything = JSON.stringify([log, await client.outbox.findMany()])
  for (const mail of tried) t.notOk(everything.includes(tokenIn(mail as never)), 'without the link')
  t.notMatch(everything, /#token=|correct horse/)
})

/** A clock that may throw: every background job reads the time. */
function breakableClock() {
  const { clock, advance } = testClock()
  const state = { broken: false }
  return {
    state,
    advance,
    clock() {
      if (state.broken) throw new Error('the clock is broken')
      return clock()
    },
  }
}

t.test('worker and housekeeping continue after an error', async t => {
  const { clock, advance, state } = breakableClock()
  const overrides: Overrides = { clock, mail: { timing }, housekeeping: { interval: 20, rest: 0 } }
  const service = await startApp(t, { overrides })
  const { app, smtp, log } = service
  const { client } = await openRows(t, service.databaseUrl)
  const register = (email: string) =>
    app.inject({ method: 'POST', url: '/register', payload: { ...person, email } })
  t.equal((await register('before@example.org')).statusCode, 202)
  await smtp.waitForMails(1)

  state.broken = true
  const failures = (what: RegExp) => log.filter(({ msg }) => what.test(String(msg))).length
  // Logged once, however often it is retried.
  await until('the worker met it', () => failures(/outbox cannot be read/) > 0)
  await until('the housekeeping met it', () => failures(/rows could not be deleted/) > 0)
  isProblemOf(t, await register('meanwhile@example.org'), 'internal_error')
  t.equal((await app.inject('/health/live')).statusCode, 200)

  state.broken = false
  t.equal((await register('after@example.org')).statusCode, 202)
  await smtp.waitForMails(2)
  t.strictSame(
    smtp.mails.map(({ to }) => to),
    [['before@example.org'], ['after@example.org']],
    'the worker continues',
  )
  // A lease that a jump of the clock has ended would cause a second email and keep the registration longer.
  const noted = { recipient: 'after@example.org', state: 'sent' }
  await until('the mail is noted', async () => (await client.outbox.count({ where: noted })) === 1)
  // Registrations are kept for the lifetime of a link, however late it is sent.
  advance(4 * 86_400)
  await until('what has run out is removed', async () => (await client.registration.count()) === 0)
  t.notMatch(JSON.stringify(log), /#token=|correct horse/)
})

/** The service with a plugin of the test, added before it is ready. */
async function withHooks(t: Test, add: (app: Awaited<ReturnType<typeof buildApp>>) => void) {
  const log: Record<string, unknown>[] = []
  const env = { ...testEnvironment, MAIL_BACKEND: 'console', DATABASE_URL: await freshDatabase(t) }
  const app = await buildApp(loadConfig(env), {
    logStream: { write: line => void log.push(JSON.parse(line)) },
  })
  t.teardown(() => app.close())
  add(app)
  await app.ready()
  return { app, log }
}

const secret = 'a secret of somebody'

t.test('a hook that throws before the response is sent makes it a 500', async t => {
  for (const isAsync of [true, false]) {
    let throwing = true
    const { app, log } = await withHooks(t, app => {
      const fail = () => {
        if (!throwing) return
        throwing = false
        throw new Error(secret)
      }
      if (isAsync) app.addHook('onSend', async () => fail())
      else
        app.addHook('onSend', (_request, _reply, _payload, done) => {
          try {
            fail()
            done()
          } catch (error) {
            done(error as Error)
          }
        })
    })
    const failed = await app.inject('/health/live')
    isProblemOf(t, failed, 'internal_error')
    t.notOk(failed.body.includes(secret), 'the response does not say why')
    t.ok(JSON.stringify(log).includes(secret), 'the log is')
    t.equal((await app.inject('/health/live')).statusCode, 200)
  }
})

t.test('a hook that throws after the response does not affect responses', async t => {
  const { app, log } = await withHooks(t, app => {
    app.addHook('onResponse', async () => {
      throw new Error('after the answer')
    })
  })
  for (let i = 0; i < 3; i++) t.equal((await app.inject('/health/live')).statusCode, 200)
  await until('each is logged', () => JSON.stringify(log).split('"after the answer"').length > 3)
})

t.test('a job after the response that throws is logged, and the others run', async t => {
  const done: string[] = []
  const { app, log } = await withHooks(t, app => {
    app.get('/jobs', async request => {
      request.runAfterResponse(async () => done.push('first'))
      request.runAfterResponse(() => {
        throw new Error('at once')
      })
      request.runAfterResponse(() => Promise.reject())
      request.runAfterResponse(async () => done.push('last'))
      return 'answered'
    })
  })
  const { statusCode, body } = await app.inject('/jobs')
  t.strictSame([statusCode, body], [200, 'answered'])
  await until('the others are done', () => done.length === 2)
  t.strictSame(done, ['first', 'last'])
  await until(
    'two are logged',
    () => log.filter(({ msg }) => /after the response failed/.test(String(msg))).length === 2,
  )
  t.ok(JSON.stringify(log).includes('at once'))
})

t.test('the app closes after all jobs have run', async t => {
  const order: string[] = []
  const wait = (milliseconds: number) => async () => {
    await delay(milliseconds)
    order.push(`${milliseconds} ms`)
  }
  const { app } = await withHooks(t, app => {
    app.get('/jobs', async request => {
      for (const milliseconds of [0, 600, 300]) request.runAfterResponse(wait(milliseconds))
      return 'answered'
    })
  })
  await app.inject('/jobs')
  await app.close()
  t.strictSame(order, ['0 ms', '300 ms', '600 ms'])
})

t.test('an outage of the database that a job meets is logged as one', async t => {
  const { app, log } = await withHooks(t, app => {
    app.get('/jobs', async request => {
      request.runAfterResponse(async () => {
        throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
      })
      return 'answered'
    })
  })
  await app.inject('/jobs')
  await app.close()
  t.match(
    log.filter(({ level }) => Number(level) >= 50),
    [{ msg: 'the database cannot be used', reason: 'does not answer' }],
  )
})

t.test('a client that disconnects before its response prevents neither jobs nor log lines', async t => {
  const done: string[] = []
  let begun = 0
  let continues = () => {}
  const { app, log } = await withHooks(t, app => {
    app.get('/slow', async request => {
      request.runAfterResponse(async () => done.push('before'))
      request.runOnReply(async () => done.push('on reply, before'))
      begun++
      await new Promise<void>(resolve => {
        continues = resolve
      })
      request.runAfterResponse(async () => done.push('behind'))
      request.runOnReply(async () => done.push('on reply, behind'))
      return 'nobody reads this'
    })
  })
  const socket = await (await onTheWire(app)).open()
  socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n')
  await until('it is asked', () => begun === 1)
  socket.destroy()
  await until('the first jobs are done', () => done.length === 2)
  continues()
  await until('the others are done', () => done.length === 4)
  t.strictSame(done, ['on reply, before', 'before', 'behind', 'on reply, behind'])
  const lines = log.filter(({ msg, path }) => msg === 'answered' && path === '/slow')
  t.match(lines, [{ level: 30, complete: false }])
  t.equal(lines.length, 1)
  t.notOk('status' in (lines[0] ?? {}), 'the status is unknown')
})
