// No secret is in a log line, and none in the database except hashes in their columns.
import t from 'tap'
import { EVENT_KINDS } from '../../src/database/queries/events.ts'
import { startApp, type TestApp, tokenIn } from '../harness/app.ts'
import { isFreeOf, wholeDatabase } from '../harness/canary.ts'
import { cookieIn, showing } from '../harness/cookie.ts'
import { codeIn, mailTo, withMails } from '../harness/mailbox.ts'
import { openRows, type Rows } from '../harness/rows.ts'
import { startSmtpServer } from '../harness/smtp.ts'

const email = 'ada@example.org'
const newEmail = 'countess@example.org'
const PASSWORDS = {
  first: 'the first secret words',
  second: 'the second secret words',
  third: 'the third secret words',
  fourth: 'the fourth secret words',
  fifth: 'the fifth secret words',
  guessed: 'a guess of somebody else',
}
const SMTP_PASSWORD = 'smtp-secret-words'

type Caused = Awaited<ReturnType<typeof withMails>>['mails']

/** The lifecycle of an account, including failures. Collects every secret. */
async function accountLifecycle(service: TestApp, rows: Rows): Promise<Map<string, string>> {
  const { app, env } = service
  const secrets = new Map(Object.entries(PASSWORDS).map(([name, one]) => [`${name} password`, one]))
  secrets.set('signing secret', env['JWT_SECRET'] as string)
  secrets.set('SMTP password', SMTP_PASSWORD)
  const post = (url: string, payload: unknown, headers: Record<string, string> = {}) =>
    app.inject({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json', ...headers },
      payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
    })
  const bearer = ({ accessToken }: { accessToken: string }) => ({ authorization: `Bearer ${accessToken}` })
  const keep = (name: string, pair: { accessToken: string; refreshToken: string }) => {
    secrets.set(`${name} access token`, pair.accessToken)
    secrets.set(`${name} refresh token`, pair.refreshToken)
    return pair
  }
  /** The response and the emails that follow; each of their tokens and codes is a secret. */
  const mailing = async (name: string, act: () => ReturnType<typeof post>) => {
    const caused = await withMails(service, rows, act)
    for (const [index, { text }] of caused.mails.entries()) {
      const token = /#token=(\S+)/.exec(text)?.[1]
      if (token) secrets.set(`${name}: token of mail ${index}`, token)
      const code = /^(\d{6}|\d{4} \d{4})$/m.exec(text)?.[1]
      if (code) secrets.set(`${name}: code of mail ${index}`, code.replace(' ', ''))
    }
    return caused
  }
  const linkTo = (mails: Caused, to: string) => tokenIn(mailTo(mails, to, /./))
  const password = PASSWORDS.first

  const registered = await mailing('registration', () => post('/register', { email, password }))
  const confirmation = linkTo(registered.mails, email)
  await post('/confirm-email', { token: confirmation, password: PASSWORDS.guessed.repeat(10) })
  const first = keep('first', (await post('/confirm-email', { token: confirmation, password })).json())
  await post('/confirm-email', { token: confirmation, password })

  await post('/login', { email, password: PASSWORDS.guessed })
  await post('/login', { email: 'nobody@example.org', password: PASSWORDS.guessed })
  const second = keep('second', (await post('/login', { email, password })).json())
  const third = keep('third', (await post('/token/refresh', { refreshToken: second.refreshToken })).json())
  await app.inject({ url: '/me', headers: bearer(first) })
  await post('/logout', '', bearer(third))
  await post('/token/refresh', { refreshToken: second.refreshToken })
  await app.inject({ url: '/me', headers: bearer(third) })

  // The same in cookie mode.
  const keepCookie = (name: string, answer: Awaited<ReturnType<typeof post>>) => {
    const refreshToken = cookieIn(answer)
    keep(name, { accessToken: answer.json().accessToken, refreshToken })
    return showing(refreshToken)
  }
  const mode = 'cookie'
  const browser = keepCookie('browser', await post('/login', { email, password, mode }))
  const foreign = { ...browser, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  await post('/token/refresh', { mode }, foreign)
  const rotated = await post('/token/refresh', { mode }, browser)
  const cookies = keepCookie('rotated', rotated)
  await post('/token/refresh', { mode, refreshToken: cookies.cookie }, browser)
  await post('/logout', { mode }, { ...cookies, ...bearer(rotated.json()) })
  await post('/token/refresh', { mode }, cookies)
  await post('/nowhere', { mode }, cookies)
  await post('/token/refresh', '{', cookies)

  const { refreshToken } = keep('reused', (await post('/login', { email, password })).json())
  keep('successor', (await post('/token/refresh', { refreshToken })).json())
  await post('/token/refresh', { refreshToken })

  const asked = await mailing('reset', () => post('/password-reset/request', { email }))
  const reset = linkTo(asked.mails, email)
  secrets.set('request token', asked.answer.json().requestToken)
  await post('/password-reset/check', { token: reset })
  await post('/password-reset/confirm', { token: reset, newPassword: 'password' })
  await mailing('reset by link', () =>
    post('/password-reset/confirm', { token: reset, newPassword: PASSWORDS.second }),
  )
  await post('/password-reset/confirm', { token: reset, newPassword: PASSWORDS.guessed })

  const again = await mailing('second reset', () => post('/password-reset/request', { email }))
  const { requestToken } = again.answer.json()
  secrets.set('second request token', requestToken)
  const code = codeIn(again.mails[0])
  const elsewhere = await post('/password-reset/request', { email: 'nobody@example.org' })
  secrets.set('request token for nobody', elsewhere.json().requestToken)
  const forNobody = { requestToken: elsewhere.json().requestToken, code, newPassword: PASSWORDS.guessed }
  await post('/password-reset/confirm', forNobody)
  const byCode = { requestToken, code, newPassword: PASSWORDS.third }
  await mailing('reset by code', () => post('/password-reset/confirm', byCode))
  await post('/password-reset/confirm', byCode)

  const device = { 'user-agent': 'HTTPie/3.2.2' }
  const strange = await mailing('new device', () =>
    post('/login', { email, password: PASSWORDS.third }, device),
  )
  const fourth = keep('fourth', strange.answer.json())
  await app.inject({ url: '/sessions', headers: bearer(fourth) })
  await app.inject({ url: '/me/events', headers: bearer(fourth) })
  await app.inject({ method: 'DELETE', url: `/sessions/${first.accessToken}`, headers: bearer(fourth) })
  await app.inject({ method: 'DELETE', url: '/sessions', headers: bearer(fourth) })
  await post('/password-change/request', { currentPassword: PASSWORDS.guessed }, bearer(fourth))
  const change = await mailing('change', () =>
    post('/password-change/request', { currentPassword: PASSWORDS.third }, bearer(fourth)),
  )
  const { changeToken } = change.answer.json()
  secrets.set('change token', changeToken)
  const changing = { changeToken, code: codeIn(change.mails[0]), newPassword: PASSWORDS.fourth }
  await post('/password-change/confirm', { ...changing, newPassword: 'password' }, bearer(fourth))
  await mailing('password changed', () => post('/password-change/confirm', changing, bearer(fourth)))

  const fifth = keep('fifth', (await post('/login', { email, password: PASSWORDS.fourth })).json())
  const moving = { currentPassword: PASSWORDS.fourth, newEmail }
  const move = await mailing('move', () => post('/email-change/request', moving, bearer(fifth)))
  const link = linkTo(move.mails, newEmail)
  const moveToken = move.answer.json().requestToken
  secrets.set('request token of a move', moveToken)
  await post('/email-change/confirm', { requestToken: moveToken, code, password: PASSWORDS.fourth })
  await post('/email-change/confirm', { token: link, password: PASSWORDS.guessed })
  const moved = await mailing('moved', () =>
    post('/email-change/confirm', { token: link, password: PASSWORDS.fourth }),
  )
  const notice = linkTo(moved.mails, email)
  await post('/account/secure', { token: notice, email: newEmail })
  const secured = await mailing('secured', () => post('/account/secure', { token: notice, email }))
  await post('/account/secure', { token: notice, email })
  await mailing('last reset', () =>
    post('/password-reset/confirm', {
      token: linkTo(secured.mails, email),
      newPassword: PASSWORDS.fifth,
    }),
  )

  const last = keep('last', (await post('/login', { email, password: PASSWORDS.fifth })).json())
  const headers = { 'content-type': 'application/json', ...bearer(last) }
  await app.inject({ url: '/me/export', headers })
  await app.inject({ method: 'PATCH', url: '/me', headers, payload: { locale: PASSWORDS.fifth } })
  const bad = { currentPassword: PASSWORDS.guessed }
  await app.inject({ method: 'DELETE', url: '/me', headers, payload: bad })
  await app.inject({ url: `/me/events?cursor=${last.refreshToken}`, headers })
  await app.inject({ url: `/me/events?limit=${encodeURIComponent(PASSWORDS.fifth)}`, headers })
  // A deleted account, and secrets that were issued before.
  const leaving = await mailing('leaving', () =>
    post('/register', { email: 'eve@example.org', password: PASSWORDS.guessed }),
  )
  const token = linkTo(leaving.mails, 'eve@example.org')
  const eve = keep('leaver', (await post('/confirm-email', { token, password: PASSWORDS.guessed })).json())
  await mailing('farewell', () =>
    app.inject({
      method: 'DELETE',
      url: '/me',
      headers: { 'content-type': 'application/json', ...bearer(eve) },
      payload: { currentPassword: PASSWORDS.guessed },
    }),
  )

  // Secrets entered in the wrong fields.
  await post('/account/secure', { token: notice, email: PASSWORDS.second })
  for (const [name, email] of Object.entries({ known: newEmail, unknown: 'nobody@example.org' })) {
    const { answer } = await mailing(`resend to ${name}`, () => post('/confirm-email/resend', { email }))
    const { requestToken } = answer.json()
    secrets.set(`request token of a resend to ${name}`, requestToken)
    await post('/confirm-email', { requestToken, code, password: PASSWORDS.guessed })
    await post('/confirm-email', { requestToken, code: PASSWORDS.second, password: code })
  }
  await post('/account/secure', { token: PASSWORDS.second, email })
  await post('/password-reset/confirm', { requestToken, code: PASSWORDS.second, newPassword: code })
  await post('/login', { email: PASSWORDS.second, password: PASSWORDS.second })
  await post('/login', { email, password: [PASSWORDS.second], token: reset })
  await post('/login', { email, [PASSWORDS.second]: PASSWORDS.second })
  await post('/login', `{"email":"${email}","password":"${PASSWORDS.second}"`)
  await post('/login', `{"password":"${PASSWORDS.second}","password":"${PASSWORDS.first}"}`)
  await post('/login', { email, password: PASSWORDS.second }, { 'content-type': 'text/plain' })
  await post('/login', { email, password: PASSWORDS.second.padEnd(20_000) })
  await post(`/login?password=${encodeURIComponent(PASSWORDS.second)}`, { email })
  await post(`/password-reset/confirm?token=${reset}#token=${reset}`, {})
  await app.inject(`/app/reset-password/${reset}`)
  await app.inject(`/me?access_token=${first.accessToken}`)
  await app.inject({ url: '/me', headers: { authorization: `Basic ${first.accessToken}`, cookie: reset } })
  await app.inject({ url: '/nowhere', headers: { referer: `https://app.example.org/#token=${reset}` } })
  for (const text of [reset, first.refreshToken, email]) {
    const headers = { 'user-agent': text, 'x-request-id': text, traceparent: text }
    await app.inject({ url: '/me', headers: { ...headers, authorization: `Bearer ${text}` } })
    await post('/login', { email, password: PASSWORDS.guessed }, headers)
  }
  return secrets
}

t.test(
  'the lifecycle of an account leaves no secret in log or database at the most verbose level',
  async t => {
    const auth = { user: 'mailer', pass: SMTP_PASSWORD }
    const smtp = await startSmtpServer(t, { auth })
    const env = { MAIL_USERNAME: auth.user, MAIL_PASSWORD: auth.pass, LOG_LEVEL: 'trace', REFRESH_GRACE: '0' }
    const service = await startApp(t, { smtp, env })
    const rows = await openRows(t, service.databaseUrl)
    const secrets = await accountLifecycle(service, rows)
    await rows.settled()

    const minted = [...secrets.keys()].join('\n')
    for (const [what, pattern] of [
      ['passwords', /password$/gm],
      ['access and refresh tokens', /(access|refresh) token$/gm],
      ['tokens in mails', /: token of mail/g],
      ['codes in mails', /: code of mail/g],
      ['request and change tokens', /(request|change) token/g],
    ] as const) {
      t.ok((minted.match(pattern)?.length ?? 0) >= 3, `there are ${what} to look for`)
    }
    // Only set if an earlier step failed; later steps would then have no secrets.
    const kinds = (await rows.client.event.findMany()).map(({ kind }) => kind)
    t.strictSame([...new Set(kinds)].sort(), [...EVENT_KINDS].sort(), 'every step succeeded')

    const dump = await rows.dump()
    const hashed = [...dump.users, ...dump.registrations] as { passwordHash: string }[]
    const hashes = new Map(hashed.map(({ passwordHash }, i) => [`stored hash ${i}`, passwordHash]))
    t.equal(hashes.size, 1)
    const sessions = dump.sessions as { refreshHash: string }[]
    t.ok(sessions.length > 0)

    const log = service.log.map(line => JSON.stringify(line)).join('\n')
    t.ok(service.log.length > 30, 'the log has lines')
    t.ok(
      service.log.some(line => line['msg'] === 'refused'),
      'down to the level where refusals are explained',
    )
    isFreeOf(t, log, secrets, 'log')
    isFreeOf(t, log, hashes, 'log')
    for (const { refreshHash } of sessions) t.notOk(log.includes(refreshHash), 'log: hash of a refresh token')
    t.notMatch(log, /\$argon2/, 'log: no hash of any kind')
    t.notMatch(log, /@example\.(org|net)|ada@|countess@|nobody@/i, 'log: no address of any kind')
    t.notMatch(log, /eyJ[\w-]+\.eyJ/, 'log: no JWT of any kind')

    const whole = await wholeDatabase(rows)
    for (const table of ['users', 'registrations', 'sessions', 'outbox', 'events', 'guesses']) {
      t.ok(table in whole, `${table} is dumped`)
    }
    for (const table of ['users', 'sessions', 'outbox', 'events', 'guesses']) {
      t.ok(whole[table]?.length, `${table} has rows`)
    }
    const database = JSON.stringify(whole)
    isFreeOf(t, database, secrets, 'database')
    for (const row of [...(whole['users'] ?? []), ...(whole['registrations'] ?? [])]) {
      ;(row as { password_hash: string }).password_hash = ''
    }
    t.notMatch(JSON.stringify(whole), /argon2/, 'database: hashes are only in their column')
    t.notMatch(database, /eyJ[\w-]+\.eyJ/, 'database: no JWT of any kind')
  },
)

t.test('internal errors are logged without the secrets of the request', async t => {
  const service = await startApp(t)
  const { app, log } = service
  const { users } = app.database
  const original = users.credentialsFor
  users.credentialsFor = () => {
    throw new Error('the database is on fire')
  }
  const payload = { email, password: PASSWORDS.first }
  t.equal((await app.inject({ method: 'POST', url: '/login', payload })).statusCode, 500)
  users.credentialsFor = original
  await app.inject({ method: 'POST', url: '/register', payload })
  const token = tokenIn((await service.smtp.waitForMails(1))[0])
  const hash = app.passwords.hash
  app.passwords.hash = () => Promise.reject(new Error('no memory'))
  const confirming = { token, password: PASSWORDS.first }
  const failed = await app.inject({ method: 'POST', url: '/confirm-email', payload: confirming })
  t.equal(failed.statusCode, 500)
  app.passwords.hash = hash
  const text = JSON.stringify(log)
  t.match(text, /on fire/, 'the cause is in the log')
  t.match(text, /no memory/)
  isFreeOf(t, text, new Map(Object.entries(confirming)), 'log')
})

t.test('a link quoted by an SMTP server reaches neither log nor outbox', async t => {
  let quoted = ''
  const smtp = await startSmtpServer(t, {
    respond: command =>
      command === 'DATA' && quoted ? { code: 554, text: `refused: ${quoted}` } : undefined,
  })
  const service = await startApp(t, { smtp })
  const rows = await openRows(t, service.databaseUrl)
  const payload = { email, password: PASSWORDS.first }
  await service.app.inject({ method: 'POST', url: '/register', payload })
  const token = tokenIn((await smtp.waitForMails(1))[0])
  // As spam filters do, which quote the rejected link.
  quoted = `http://localhost:3000/app/confirm-email#token=${token}`
  await service.app.inject({ method: 'POST', url: '/confirm-email/resend', payload: { email } })
  await rows.settled()
  const { outbox } = await rows.dump()
  t.match(outbox[1], { state: 'dead', lastError: /554/ })
  isFreeOf(t, JSON.stringify(outbox), new Map([['token', token]]), 'outbox')
  isFreeOf(t, JSON.stringify(service.log), new Map([['token', token]]), 'log')
})
