// Invalid input is a 400 that names the property, writes no row and sends no email.
import { domainToASCII } from 'node:url'
import t, { type Test } from 'tap'
import { startApp, tokenIn } from '../harness/app.ts'
import { isProblemOf } from '../harness/problem.ts'
import { openRows } from '../harness/rows.ts'
import type { ReceivedMail } from '../harness/smtp.ts'
import { startSmtpServer } from '../harness/smtp.ts'
import { ACCEPTED, REFUSED } from '../unit/shared/addresses.ts'

const PASSWORD = 'correct horse battery staple'
const ROUTES = ['/register', '/login', '/confirm-email/resend', '/password-reset/request']

/** Values that are not strings; coercion would turn the first ones into an email. */
const NOT_TEXT: [what: string, json: string][] = [
  ['a list of one', '["ada@example.org"]'],
  ['a list of two', '["ada@example.org","eve@example.com"]'],
  ['a list in a list', '[["ada@example.org"]]'],
  ['an object', '{"address":"ada@example.org"}'],
  ['an object with toString', '{"toString":"ada@example.org"}'],
  ['an operator of a query language', '{"contains":"@"}'],
  ['an empty object', '{}'],
  ['an empty list', '[]'],
  ['a number', '1'],
  ['an infinite number', '1e999'],
  ['true', 'true'],
  ['null', 'null'],
]

t.test('every route refuses anything but one plain address, without effects', async t => {
  const { app, smtp, databaseUrl } = await startApp(t, { smtp: await startSmtpServer(t) })
  const rows = await openRows(t, databaseUrl)
  const inputs = [...NOT_TEXT, ...REFUSED.map(([what, text]) => [what, JSON.stringify(text)] as const)]
  for (const [i, url] of ROUTES.entries()) {
    const password = url === '/register' || url === '/login' ? `,"password":${JSON.stringify(PASSWORD)}` : ''
    // All routes share one email schema, so one route is enough for the full list.
    for (const [what, json] of inputs.filter((_, n) => i === 0 || n < NOT_TEXT.length || n % 4 === i)) {
      const response = await app.inject({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/json' },
        payload: `{"email":${json}${password}}`,
      })
      const { errors } = isProblemOf(t, response, 'validation_failed', `${url}: ${what}`)
      t.strictSame([...new Set(errors?.map(({ path }) => path))], ['/email'], `${url}: ${what}: says where`)
    }
  }
  t.strictSame(await rows.dump(), { users: [], registrations: [], sessions: [], outbox: [] }, 'no row at all')
  t.equal(smtp.connections(), 0, 'and the SMTP server was not contacted')
})

/** The raw header, because the test's SMTP server decodes domains of the envelope. */
function isTo(t: Test, mail: ReceivedMail | undefined, canonical: string) {
  const envelope = mail?.to.map(address => address.replace(/(?<=@).*/, domainToASCII))
  t.strictSame(envelope, [canonical], `${canonical}: mailed to the stored form alone`)
  t.match(mail?.raw, `\r\nTo: ${canonical}\r\n`)
}

t.test('every spelling of an email is one account and one recipient', async t => {
  const { app, smtp, databaseUrl } = await startApp(t)
  const rows = await openRows(t, databaseUrl)
  const accounts = new Set(ACCEPTED.map(([, canonical]) => canonical))
  for (const canonical of accounts) {
    const [first, ...others] = ACCEPTED.filter(([, form]) => form === canonical)
    const before = smtp.mails.length
    const payload = { email: first?.[0], password: PASSWORD }
    t.equal((await app.inject({ method: 'POST', url: '/register', payload })).statusCode, 202)
    const mail = (await smtp.waitForMails(before + 1))[before]
    isTo(t, mail, canonical)
    const confirmed = await app.inject({
      method: 'POST',
      url: '/confirm-email',
      payload: { token: tokenIn(mail), password: PASSWORD },
    })
    const headers = { authorization: `Bearer ${confirmed.json().accessToken}` }
    t.equal((await app.inject({ method: 'GET', url: '/me', headers })).json().email, canonical)
    await rows.settled()

    for (const [email] of [[canonical], ...others]) {
      const name = `${email} is ${first?.[0]}`
      const logIn = await app.inject({
        method: 'POST',
        url: '/login',
        payload: { email, password: PASSWORD },
      })
      t.equal(logIn.statusCode, 200, `${name}: logs in`)
      const sent = smtp.mails.length
      await app.inject({ method: 'POST', url: '/register', payload: { email, password: PASSWORD } })
      await rows.settled()
      const [answer] = smtp.mails.slice(sent)
      t.match(answer?.subject, /already have an account/, `${name}: is taken`)
      isTo(t, answer, canonical)
    }
    t.equal((await rows.countsOf(canonical)).users, 1)
  }
  t.equal(await rows.client.user.count(), accounts.size)
})

t.test('with EMAIL_CONFIRMATION=off another spelling of a taken email is taken', async t => {
  const { app } = await startApp(t, { env: { EMAIL_CONFIRMATION: 'off' } })
  const register = (email: string) =>
    app.inject({ method: 'POST', url: '/register', payload: { email, password: PASSWORD } })
  t.equal((await register('ada@xn--bcher-kva.example')).statusCode, 201)
  for (const email of ['ADA@B\u00dcCHER.example', ' ada@bu\u0308cher.example ']) {
    isProblemOf(t, await register(email), 'email_taken', email)
  }
})

t.test('a look-alike email does not reach another account', async t => {
  const { app, smtp } = await startApp(t, { env: { EMAIL_CONFIRMATION: 'off' } })
  const email = 'mike@kelvin.example'
  await app.inject({ method: 'POST', url: '/register', payload: { email, password: PASSWORD } })
  for (const lookAlike of [
    'm\u0131ke@kelvin.example',
    'mi\u212ae@kelvin.example',
    'mike@\u212aelvin.example',
  ]) {
    const payload = { email: lookAlike }
    const reset = await app.inject({ method: 'POST', url: '/password-reset/request', payload })
    isProblemOf(t, reset, 'validation_failed', lookAlike)
  }
  t.equal(smtp.mails.length, 0)
})

t.test('every route refuses a password that is no string', async t => {
  const { app, databaseUrl } = await startApp(t)
  const rows = await openRows(t, databaseUrl)
  const bodies: [url: string, property: string, rest: string][] = [
    ['/register', 'password', '"email":"ada@example.org"'],
    ['/login', 'password', '"email":"ada@example.org"'],
    ['/confirm-email', 'password', '"token":"x"'],
    ['/password-reset/confirm', 'newPassword', '"token":"x"'],
  ]
  const values = [...NOT_TEXT, ['nothing', '""'], ['1025 characters', JSON.stringify('x'.repeat(1025))]]
  for (const [url, property, rest] of bodies) {
    for (const [what, json] of values) {
      const response = await app.inject({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/json' },
        payload: `{${rest},"${property}":${json}}`,
      })
      const { errors } = isProblemOf(t, response, 'validation_failed', `${url}: ${what}`)
      t.strictSame([...new Set(errors?.map(({ path }) => path))], [`/${property}`], `${url}: ${what}: where`)
    }
  }
  t.strictSame(await rows.dump(), { users: [], registrations: [], sessions: [], outbox: [] }, 'no row at all')
})
