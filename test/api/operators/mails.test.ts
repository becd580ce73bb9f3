/** Mails for operators: every state is found, and a retry or a cancel changes what waits and nothing else. */
import t, { type Test } from 'tap'
import { MAIL_STATES } from '../../../src/database/queries/outbox.ts'
import { MailSendError, type MailTransport, type OutgoingMail } from '../../../src/mail/transport.ts'
import { startApp, testClock } from '../../harness/app.ts'
import { startOperators } from '../../harness/operators.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { openRows } from '../../harness/rows.ts'
import { until } from '../../harness/until.ts'

const NOBODY = '01936f3e-8a77-7c3b-9d0e-4f1f2f0c6a55'

const failure = (message: string, permanent: boolean) =>
  new MailSendError(message, {
    permanent,
    untaken: true,
    refusesService: false,
    unreachable: false,
    code: 'X',
  })

/** The service with a transport that refuses, fails or holds mails by their recipients, until `heal` is called. */
async function world(t: Test, env: Record<string, string> = {}) {
  const sent: OutgoingMail[] = []
  const held: (() => void)[] = []
  let isBroken = true
  const transport: MailTransport = {
    name: 'smtp',
    describe: () => 'a test',
    close() {},
    async send(mail) {
      if (mail.to.startsWith('held')) await new Promise<void>(resolve => held.push(resolve))
      if (isBroken && mail.to.startsWith('refused')) throw failure('550 no such user', true)
      if (isBroken && mail.to.startsWith('later')) throw failure('451 try again later', false)
      sent.push(mail)
    },
  }
  const { clock, advance } = testClock()
  const service = await startApp(t, {
    env,
    overrides: { clock, mail: { transport, timing: { poll: 3600 } } },
  })
  t.teardown(() => {
    for (const release of held) release()
  })
  const rows = await openRows(t, service.databaseUrl)
  const { ask } = await startOperators(t, service)
  const { app } = service
  /** Waits until the worker has done what it can with the newest mail to a recipient. */
  async function idle(recipient: string) {
    const read = () => rows.client.outbox.findFirstOrThrow({ where: { recipient }, orderBy: { id: 'desc' } })
    await until(`the worker has done what it can for ${recipient}`, async () => {
      const row = await read()
      if (recipient.startsWith('held') && row.state === 'queued') return held.length > 0
      return row.leasedUntil === null && (row.state !== 'queued' || row.nextAttemptAt > clock())
    })
    return read()
  }

  /** Files a farewell, which needs no account. */
  async function file(recipient: string) {
    await app.database.outbox.enqueue({ kind: 'farewell', recipient }, clock())
    app.mail.wake()
    return idle(recipient)
  }

  function heal() {
    isBroken = false
  }

  return { ...service, clock, advance, rows, ask, sent, held, idle, file, heal }
}

t.test(
  'mails of every state are listed page by page, and shown without what their codes come from',
  async t => {
    const { app, ask, file, idle, clock, rows } = await world(t)
    for (const name of ['ok', 'refused', 'later', 'ok2', 'refused2', 'later2', 'held'])
      await file(`${name}@example.org`)
    const gone = {
      kind: 'password_changed',
      recipient: 'gone@example.org',
      userId: NOBODY,
      challengeId: 'canary',
    } as const
    await app.database.outbox.enqueue(gone, clock())
    app.mail.wake()
    await idle(gone.recipient)
    const cancelled = await ask('POST', `/mails/${(await idle('later2@example.org')).id}/cancel`)
    t.match(cancelled.json(), { state: 'cancelled', nextAttemptAt: null, lastError: '451 try again later' })

    /** Recipients of all pages, whose sizes are `limit`. */
    async function list(query: string, limit = 2): Promise<string[]> {
      const found: string[] = []
      for (let cursor = ''; ; ) {
        const response = await ask('GET', `/mails?limit=${limit}${query}${cursor}`)
        t.equal(response.statusCode, 200, response.body)
        const { mails, nextCursor } = response.json()
        found.push(...mails.map(({ recipient }: { recipient: string }) => recipient.split('@')[0]))
        if (nextCursor === null) return found
        cursor = `&cursor=${nextCursor}`
      }
    }
    const all = ['gone', 'held', 'later2', 'refused2', 'ok2', 'later', 'refused', 'ok']
    t.strictSame(await list(''), all, 'the newest first')
    t.strictSame(await list('', 100), all)
    t.strictSame(await list('&recipient=OK2@Example.org'), ['ok2'])
    t.strictSame(await list('&recipient=ok2@example.org&state=dead'), [])
    const byState = Object.fromEntries(
      await Promise.all(MAIL_STATES.map(async state => [state, (await list(`&state=${state}`, 1)).sort()])),
    )
    t.strictSame(byState, {
      queued: ['held', 'later'],
      joined: [],
      sent: ['ok', 'ok2'],
      dropped: ['gone'],
      dead: ['refused', 'refused2'],
      cancelled: ['later2'],
    })
    const late = ['253402300800000', '8640000000000000', '9999999999999999'].flatMap(time =>
      ['', '&state=sent', '&state=queued'].map(state => `cursor=${time}-${NOBODY}${state}`),
    )
    const wrong = ['state=lost', 'limit=0', 'limit=1001', 'cursor=x', 'recipient=x', 'more=1', ...late]
    for (const query of wrong) {
      isProblemOf(t, await ask('GET', `/mails?${query}`), 'validation_failed', query)
    }

    const [refused] = (await ask('GET', '/mails?recipient=refused@example.org')).json().mails
    const row = await rows.client.outbox.findUniqueOrThrow({ where: { id: refused.id } })
    t.strictSame((await ask('GET', `/mails/${refused.id}`)).json(), refused)
    t.strictSame(refused, {
      id: row.id,
      kind: 'farewell',
      recipient: 'refused@example.org',
      userId: null,
      state: 'dead',
      inProgress: false,
      attempts: 1,
      lastError: '550 no such user',
      createdAt: row.createdAt.toISOString(),
      nextAttemptAt: null,
      finishedAt: row.finishedAt?.toISOString(),
      servedBy: null,
      requestId: null,
    })
    const [held] = (await ask('GET', '/mails?recipient=held@example.org')).json().mails
    t.match(held, { state: 'queued', inProgress: true, attempts: 1 })
    t.notMatch((await ask('GET', '/mails')).body, /canary/)
    isProblemOf(t, await ask('GET', `/mails/${NOBODY}`), 'not_found')
  },
)

t.test('what waits or failed is retried, what waits is cancelled, and nothing else', async t => {
  const { ask, file, idle, heal, sent, held, rows, app } = await world(t)
  const ids: Record<string, string> = {}
  for (const name of ['ok', 'refused', 'later', 'later2', 'held'])
    ids[name] = (await file(`${name}@example.org`)).id
  heal()
  /** What each action is answered with, in this order. */
  const steps: [action: string, name: string, status: number, state?: string | RegExp][] = [
    ['retry', 'ok', 409, /was sent/],
    ['cancel', 'ok', 409, /was sent/],
    ['retry', 'held', 409, /being sent/],
    ['cancel', 'held', 409, /being sent/],
    ['cancel', 'refused', 409, /dead letter/],
    ['retry', 'refused', 200, 'queued'],
    ['retry', 'later', 200, 'queued'],
    ['cancel', 'later2', 200, 'cancelled'],
    ['cancel', 'later2', 409, /cancelled already/],
  ]
  const faults: string[] = []
  for (const [action, name, status, said] of steps) {
    const response = await ask('POST', `/mails/${ids[name]}/${action}`)
    const { state, detail } = response.json()
    const fits = typeof said === 'string' ? state === said : said?.test(detail)
    if (response.statusCode !== status || !fits) faults.push(`${action} ${name}: ${response.body}`)
    if (status === 200 && action === 'retry') await idle(`${name}@example.org`)
  }
  t.strictSame(faults, [])
  isProblemOf(t, await ask('POST', `/mails/${NOBODY}/retry`), 'not_found')
  isProblemOf(t, await ask('POST', `/mails/${NOBODY}/cancel`), 'not_found')

  const refused = (await ask('GET', `/mails/${ids['refused']}`)).json()
  t.match(refused, { state: 'sent', attempts: 1 }, 'a dead letter has all its attempts again')
  t.match((await ask('GET', `/mails/${ids['later']}`)).json(), { state: 'sent', attempts: 2 })
  app.mail.wake()
  await file('after@example.org')
  t.notOk(
    sent.some(({ to }) => to.startsWith('later2')),
    'what is cancelled is not sent',
  )
  t.equal((await ask('POST', `/mails/${ids['later2']}/retry`)).statusCode, 200)
  await idle('later2@example.org')
  for (const release of held) release()
  await idle('held@example.org')
  await until('the last is sent', () => sent.length === 6)
  t.strictSame(
    sent.map(({ to }) => to.split('@')[0]).sort(),
    ['after', 'held', 'later', 'later2', 'ok', 'refused'],
    'each once',
  )
  const events = await rows.client.event.findMany({
    where: { target: { not: null }, kind: { startsWith: 'mail' } },
    orderBy: { id: 'asc' },
  })
  t.strictSame(
    events.map(({ kind, target, userId, ip }) => [kind, target, userId, ip]),
    [
      ['mail_retried', ids['refused'], null, null],
      ['mail_retried', ids['later'], null, null],
      ['mail_cancelled', ids['later2'], null, null],
      ['mail_retried', ids['later2'], null, null],
    ],
    'what was refused is no event',
  )
  t.ok(events.every(({ actor }) => /^key:[0-9a-f-]{36}$/.test(actor ?? '')))
})

t.test('requests that one mail serves are retried and cancelled with it', async t => {
  const { app, ask, idle, heal, sent, rows, advance } = await world(t, {
    RATE_LIMIT: 'on',
    EMAIL_CONFIRMATION: 'off',
  })
  const email = 'refused@example.org'
  const post = (url: string, payload: object) => app.inject({ method: 'POST', url, payload })
  await post('/register', { email, password: 'correct horse battery staple' })
  const request = () => post('/password-reset/request', { email })
  const states = async () =>
    (await rows.client.outbox.findMany({ where: { kind: 'reset_request' }, orderBy: { id: 'asc' } })).map(
      ({ state }) => state,
    )
  // The first takes the turn of this minute; the others wait for the next one together.
  heal()
  await request()
  await idle(email)
  await request()
  await request()
  await idle(email)
  t.strictSame(await states(), ['sent', 'queued', 'queued'])
  advance(3600)
  app.mail.wake()
  await until('one mail served both', async () => (await states()).join() === 'sent,sent,sent')

  const all = await rows.client.outbox.findMany({ where: { kind: 'reset_request' } })
  const served = all.find(({ id, mailId }) => mailId !== null && mailId !== id) as (typeof all)[number]
  const waiting = all.find(({ id }) => id === served.mailId) as (typeof all)[number]

  // What it looks like when that mail failed instead.
  await rows.client.outbox.updateMany({
    where: { state: 'sent', mailId: waiting.id },
    data: { state: 'dead' },
  })
  advance(3600)
  const before = sent.length
  t.equal((await ask('POST', `/mails/${waiting.id}/retry`)).statusCode, 200)
  await until('it was sent again', async () => (await states()).join() === 'sent,sent,sent')
  t.equal(sent.length, before + 1, 'one mail for both')
  const joined = await ask('GET', `/mails/${served.id}`)
  t.match(joined.json(), { state: 'sent', servedBy: waiting.id })

  await rows.client.outbox.updateMany({ where: { id: waiting.id }, data: { state: 'queued' } })
  await rows.client.outbox.updateMany({ where: { id: served.id }, data: { state: 'joined' } })
  isProblemOf(t, await ask('POST', `/mails/${served.id}/retry`), 'mail_not_changeable')
  isProblemOf(t, await ask('POST', `/mails/${served.id}/cancel`), 'mail_not_changeable')
  t.equal((await ask('POST', `/mails/${waiting.id}/cancel`)).statusCode, 200)
  t.strictSame((await states()).sort(), ['cancelled', 'cancelled', 'sent'])
})

t.test('a mail is sent or cancelled, never both, and many retries send it once', async t => {
  const { app, ask, clock, heal, sent, rows, file, idle } = await world(t)
  heal()
  const faults: string[] = []
  for (let i = 0; i < 20; i++) {
    const recipient = `race-${i}@example.org`
    await app.database.outbox.enqueue({ kind: 'farewell', recipient }, clock())
    const { id } = await rows.client.outbox.findFirstOrThrow({ where: { recipient } })
    if (i % 2) app.mail.wake()
    const [cancelled] = await Promise.all([ask('POST', `/mails/${id}/cancel`), app.mail.wake()])
    const { state } = await idle(recipient)
    const isSent = sent.some(({ to }) => to === recipient)
    if ((cancelled.statusCode === 200) === isSent || state !== (isSent ? 'sent' : 'cancelled')) {
      faults.push(`${recipient}: ${cancelled.body}, ${state}, ${isSent}`)
    }
  }
  t.strictSame(faults, [])
  const { id } = await file('many@example.org')
  await rows.client.outbox.updateMany({ where: { id }, data: { state: 'dead' } })
  const before = sent.length
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask('POST', `/mails/${id}/retry`)))
  await idle('many@example.org')
  t.equal(sent.length, before + 1)
  t.ok(answers.some(({ statusCode }) => statusCode === 200))
})
