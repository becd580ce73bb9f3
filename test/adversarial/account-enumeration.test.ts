// Neither a response nor its cost reveals whether an email has an account.
import { randomInt } from 'node:crypto'
import t, { type Test } from 'tap'
import { confirmedAccount, startApp, type TestApp } from '../harness/app.ts'
import { countHashes } from '../harness/hash-count.ts'
import { codeIn, otherThan, withMails } from '../harness/mailbox.ts'
import { recordQueries } from '../harness/queries.ts'
import { openRows, type Rows } from '../harness/rows.ts'
import { until } from '../harness/until.ts'
import { visible } from '../harness/visible.ts'

const STATES = ['unknown', 'pending', 'known', 'disabled'] as const
type State = (typeof STATES)[number]

const ENDPOINTS = ['/register', '/confirm-email/resend', '/password-reset/request'] as const
type Endpoint = (typeof ENDPOINTS)[number]

const PASSWORD = 'correct horse battery staple'
const WRONG = 'not the password of anybody'

let made = 0

/** Emails in every state for each endpoint, after all their emails were sent. */
async function prepare(service: TestApp, rows: Rows, endpoints: readonly string[] = ENDPOINTS) {
  const addresses: Record<string, string> = {}
  for (const endpoint of endpoints) {
    for (const state of STATES) {
      // All of equal length, because the response to a reset request carries the email.
      const email = `${state.padEnd(8, 'x')}-${String(++made).padStart(4, '0')}@example.org`
      addresses[`${endpoint} ${state}`] = email
      if (state === 'pending') {
        await service.app.inject({ method: 'POST', url: '/register', payload: { email, password: PASSWORD } })
        await rows.settled()
      }
      if (state === 'known' || state === 'disabled') await confirmedAccount(service, email, PASSWORD)
      if (state === 'disabled') await rows.disable(email)
    }
  }
  return (endpoint: string, state: State) => addresses[`${endpoint} ${state}`] as string
}

function payloadFor(endpoint: Endpoint, email: string) {
  return endpoint === '/register' ? { email, password: 'another password altogether' } : { email }
}

async function allEqual(t: Test, service: TestApp, addressOf: Awaited<ReturnType<typeof prepare>>) {
  const hashes = countHashes(t)
  for (const endpoint of ENDPOINTS) {
    const seen: Record<string, unknown> = {}
    for (const state of STATES) {
      const before = hashes()
      const response = await service.app.inject({
        method: 'POST',
        url: endpoint,
        payload: payloadFor(endpoint, addressOf(endpoint, state)),
        // A separate client for each, so that the remaining limits are equal.
        remoteAddress: `10.${randomInt(256)}.${randomInt(256)}.${randomInt(1, 255)}`,
      })
      seen[state] = { ...visible(response), hashes: hashes() - before }
    }
    t.match(seen['unknown'], {
      status: 202,
      body:
        endpoint === '/password-reset/request'
          ? /^\{"status":"reset_sent","requestToken":"\d+ string,(1800|3570),25 iss,latchkey,aud,reset-request"\}$/
          : /^\{"status":"confirmation_sent","requestToken":"\d+ string,(86400|88170),25 iss,latchkey,aud,confirm-request"\}$/,
      hashes: 0,
    })
    for (const state of STATES) t.strictSame(seen[state], seen['unknown'], `${endpoint}: ${state} as unknown`)
  }
}

t.test('responses are equal for every email, in all headers and in the number of hashes', async t => {
  const service = await startApp(t)
  await allEqual(t, service, await prepare(service, await openRows(t, service.databaseUrl)))
})

t.test('responses are equal with rate limits, including the remaining counts', async t => {
  const unlimited = await startApp(t)
  const { databaseUrl, smtp } = unlimited
  const addressOf = await prepare(unlimited, await openRows(t, databaseUrl))
  const limited = await startApp(t, { databaseUrl, smtp, env: { RATE_LIMIT: 'on' } })
  await allEqual(t, limited, addressOf)
  const response = await limited.app.inject({ method: 'POST', url: '/login', payload: {} })
  t.ok(response.headers['ratelimit-remaining'], 'rate limits were applied')
})

t.test('responses are equal during an outage of the mail server', async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  const addressOf = await prepare(service, rows)
  const answerTo = async (endpoint: Endpoint, email: string) =>
    visible(await service.app.inject({ method: 'POST', url: endpoint, payload: payloadFor(endpoint, email) }))

  const up: Record<string, unknown> = {}
  for (const endpoint of ENDPOINTS) up[endpoint] = await answerTo(endpoint, 'somebody-0000@example.org')
  await rows.settled()
  await service.smtp.stop()
  const mails = service.smtp.mails.length
  const hashes = countHashes(t)
  for (const endpoint of ENDPOINTS) {
    for (const state of STATES) {
      const before = hashes()
      const down = await answerTo(endpoint, addressOf(endpoint, state))
      t.strictSame(down, up[endpoint], `${endpoint}: ${state}, with the mail server down`)
      t.equal(hashes() - before, 0, `${endpoint}: ${state}: hashes`)
    }
  }
  t.equal(service.smtp.mails.length, mails, 'and no email was delivered')
})

t.test('a failed login reveals nothing and costs one hash for every email', async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  const addressOf = await prepare(service, rows, ['/login'])
  const hashes = countHashes(t)
  const seen: Record<string, object> = {}
  for (const state of STATES) {
    const before = hashes()
    const payload = { email: addressOf('/login', state), password: WRONG }
    const response = await service.app.inject({ method: 'POST', url: '/login', payload })
    t.equal(response.json().code, 'invalid_credentials')
    seen[state] = { ...visible(response), hashes: hashes() - before }
    t.match(seen[state], { status: 401, hashes: 1 }, state)
    t.strictSame(seen[state], seen['unknown'], `${state} as unknown`)
  }

  const before = hashes()
  const payload = { email: addressOf('/login', 'disabled'), password: PASSWORD }
  const response = await service.app.inject({ method: 'POST', url: '/login', payload })
  t.match(
    response.json(),
    { code: 'account_disabled' },
    'only the right password reveals that the account is disabled',
  )
  t.equal(hashes() - before, 1)
})

t.test('a registration followed by a login does not reveal an account', async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  const addressOf = await prepare(service, rows, ['/login'])
  const ask = async (url: string, payload: object) =>
    visible(await service.app.inject({ method: 'POST', url, payload }))
  const seen: Record<string, object[]> = {}
  for (const state of STATES) {
    const email = addressOf('/login', state)
    const steps: object[] = []
    seen[state] = steps
    // An attacker's password, registered and used to log in before and after each request for an email.
    for (const url of ['/register', '/confirm-email/resend', '/password-reset/request', '/register']) {
      steps.push(await ask(url, url === '/register' ? { email, password: WRONG } : { email }))
      steps.push(await ask('/login', { email, password: WRONG }))
    }
    steps.push(await ask('/register', { email, password: 'short' }))
    await rows.settled()
    steps.push(await ask('/login', { email, password: WRONG }))
    t.strictSame(steps, seen['unknown'], `${state} as unknown`)
  }
  t.match(seen['unknown']?.[1], { status: 401 })
})

t.test('every email causes the same queries before the response', async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  const addressOf = await prepare(service, rows, [...ENDPOINTS, '/login'])
  // The worker's reads after the response differ; hiding them is the purpose of the outbox.
  service.app.mail.wake = () => {}
  // The history is written after the response. Here it is blocked: if the response waited for it, none would arrive.
  let answered = Promise.resolve()
  const recorded = recordQueries(service.app, name => (name.startsWith('events.') ? answered : undefined))
  const expected = {
    '/register': ['registrations.store'],
    '/confirm-email/resend': ['outbox.enqueue'],
    '/password-reset/request': ['outbox.enqueue'],
    '/login': ['users.credentialsFor'],
  }
  for (const [endpoint, names] of Object.entries(expected)) {
    for (const state of STATES) {
      let answer = () => {}
      answered = new Promise(resolve => {
        answer = resolve
      })
      const email = addressOf(endpoint, state)
      const payload =
        endpoint === '/login' ? { email, password: WRONG } : payloadFor(endpoint as Endpoint, email)
      const { queries } = await recorded(() => service.app.inject({ method: 'POST', url: endpoint, payload }))
      answer()
      t.strictSame(queries, names, `${endpoint}: ${state}`)
    }
  }
})

t.test(
  'a refused login takes as many queries for every address, and records an event for accounts only',
  async t => {
    const service = await startApp(t)
    const rows = await openRows(t, service.databaseUrl)
    const addressOf = await prepare(service, rows, ['/login'])
    const written: Promise<unknown>[] = []
    const { recordInEqualTime } = service.app.database.events
    service.app.database.events.recordInEqualTime = event => {
      const writing = recordInEqualTime(event)
      written.push(writing)
      return writing
    }
    for (const [index, state] of STATES.entries()) {
      const before = await rows.client.event.count()
      const payload = { email: addressOf('/login', state), password: WRONG }
      await service.app.inject({ method: 'POST', url: '/login', payload })
      await until('it is being written', () => written.length > index)
      await Promise.all(written)
      const user = await rows.client.user.findUnique({ where: { email: payload.email } })
      t.equal((await rows.client.event.count()) - before, user ? 1 : 0, state)
      if (user)
        t.equal(await rows.client.event.count({ where: { userId: user.id, kind: 'log_in_refused' } }), 1)
    }
    t.equal(await rows.client.event.count({ where: { userId: null } }), 0, 'no history has an event')
  },
)

/** Endpoints that take a code: the request, the states in which a code is emailed, and the reads of an attempt. */
const CODES = [
  {
    ...{ url: '/password-reset/confirm', from: '/password-reset/request', member: 'newPassword' },
    mailed: ['known', 'disabled'],
    reads: ['users.findByEmail'],
  },
  {
    ...{ url: '/confirm-email', from: '/confirm-email/resend', member: 'password' },
    mailed: ['pending'],
    reads: ['users.findByEmail', 'registrations.findByEmail', 'legacyRegistrations.newestFor'],
  },
]

t.test('a wrong code reveals nothing and costs the same for every email', async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  const urls = CODES.map(({ url }) => url)
  const addressOf = await prepare(service, rows, urls)
  const hashes = countHashes(t)
  const recorded = recordQueries(service.app)
  for (const { url, from, member, mailed, reads } of CODES) {
    const guessed = async (requestToken: string, code: string) => {
      const before = hashes()
      const payload = { requestToken, code, [member]: 'another password altogether' }
      const { answer, queries } = await recorded(() => service.app.inject({ method: 'POST', url, payload }))
      return { ...visible(answer), code: answer.json().code, hashes: hashes() - before, queries }
    }
    const requests: Record<string, { requestToken: string; code: string }> = {}
    for (const state of STATES) {
      const email = addressOf(url, state)
      // Enabled while the email is composed, so that a right code exists.
      if (state === 'disabled') await rows.enable(email)
      const { answer, mails } = await withMails(service, rows, () =>
        service.app.inject({ method: 'POST', url: from, payload: { email } }),
      )
      if (state === 'disabled') await rows.disable(email)
      const code = mailed.includes(state) ? codeIn(mails[0]) : '00000000'
      requests[state] = { requestToken: answer.json().requestToken, code }
    }
    const seen: Record<string, object> = {}
    for (const state of STATES) {
      const { requestToken, code } = requests[state] as { requestToken: string; code: string }
      const wrong = otherThan(code)
      const guesses = []
      for (let tries = 0; tries < 6; tries++) guesses.push(await guessed(requestToken, wrong))
      // Locked now, so that even the right code is refused.
      guesses.push(await guessed(requestToken, code))
      seen[state] = guesses
      t.strictSame(guesses, seen['unknown'], `${url}: ${state} as unknown`)
    }
    const queries = ['codeAttempts.count', 'codeAttempts.count', ...reads]
    t.match(seen['unknown'], [{ status: 400, code: 'code_invalid', hashes: 0, queries }])
  }
})

t.test('with EMAIL_CONFIRMATION=off only the status of a registration reveals an account', async t => {
  const service = await startApp(t, { env: { EMAIL_CONFIRMATION: 'off' } })
  const hashes = countHashes(t)
  const email = 'ada@example.org'
  for (const status of [201, 409]) {
    const before = hashes()
    const payload = { email, password: PASSWORD }
    const response = await service.app.inject({ method: 'POST', url: '/register', payload })
    t.equal(response.statusCode, status)
    t.equal(hashes() - before, 1, 'a taken address costs the same hash')
  }
  const seen = []
  for (const address of [email, 'bob@example.org']) {
    const payload = { email: address }
    seen.push(visible(await service.app.inject({ method: 'POST', url: '/password-reset/request', payload })))
    seen.push(visible(await service.app.inject({ method: 'POST', url: '/confirm-email/resend', payload })))
  }
  t.strictSame(seen.slice(2), seen.slice(0, 2), 'a reset and a resend still reveal nothing')
})

/** The email that is sent: its subject and whether it has a token; null if none. */
const MAILS: Record<Endpoint, Record<State, { subject: RegExp; token: boolean } | null>> = {
  '/register': {
    unknown: { subject: /^Confirm your email address/, token: true },
    pending: { subject: /^Confirm your email address/, token: true },
    known: { subject: /^You already have an account/, token: false },
    disabled: null,
  },
  '/confirm-email/resend': {
    unknown: null,
    pending: { subject: /^Confirm your email address/, token: true },
    known: { subject: /^You already have an account/, token: false },
    disabled: null,
  },
  '/password-reset/request': {
    unknown: null,
    pending: { subject: /^Confirm your email address/, token: true },
    known: { subject: /^Reset your password/, token: true },
    disabled: null,
  },
}

t.test('only the mailbox learns the state of the account', async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  const addressOf = await prepare(service, rows)
  for (const endpoint of ENDPOINTS) {
    for (const state of STATES) {
      const name = `${endpoint}: ${state}`
      const email = addressOf(endpoint, state)
      const before = service.smtp.mails.length
      const payload = payloadFor(endpoint, email)
      await service.app.inject({ method: 'POST', url: endpoint, payload })
      await rows.settled()

      const mails = service.smtp.mails.slice(before)
      const expected = MAILS[endpoint][state]
      t.equal(mails.length, expected ? 1 : 0, `${name}: number of mails`)
      for (const mail of mails) {
        t.strictSame(mail.to, [email], `${name}: recipient`)
        t.match(mail.subject, expected?.subject, `${name}: subject`)
        t.equal(/token=/.test(mail.raw), expected?.token, `${name}: whether there is a token`)
        if (!expected?.token) t.notMatch(mail.text + mail.html, /eyJ/, `${name}: no JWT anywhere`)
      }

      const row = await rows.client.outbox.findFirstOrThrow({
        where: { recipient: email },
        orderBy: { id: 'desc' },
      })
      t.equal(row.state, expected ? 'sent' : 'dropped', `${name}: how the mail ended`)
      t.equal(row.lastError, null)
      const { users, registrations } = await rows.dump()
      const secrets = [...users, ...registrations].map(one => (one as { passwordHash: string }).passwordHash)
      const stored = JSON.stringify(row)
      for (const secret of [...secrets, PASSWORD, 'another password altogether', 'eyJ']) {
        t.notOk(stored.includes(secret), `${name}: no secret in the row`)
      }
    }
  }
})
