// An attacker who knows the victim's email but cannot read the mailbox registers it before, after or between the
// victim's registrations. (Sudhodanan and Paverd, "Pre-hijacked accounts", 2022)
import t from 'tap'
import { startApp, type TestApp, testClock, tokenIn } from '../harness/app.ts'
import { openRows } from '../harness/rows.ts'

const PASSWORD = { victim: 'the words of the victim', attacker: 'the words of the attacker' }
type Registrant = keyof typeof PASSWORD

/** All distinct orders of a list. */
function orders<T>(items: T[]): T[][] {
  if (items.length <= 1) return [items]
  const all = items.flatMap((item, i) => orders(items.toSpliced(i, 1)).map(rest => [item, ...rest]))
  return [...new Map(all.map(order => [JSON.stringify(order), order])).values()]
}

async function register({ app, smtp }: TestApp, email: string, password: string) {
  const before = smtp.mails.length
  const response = await app.inject({ method: 'POST', url: '/register', payload: { email, password } })
  if (response.statusCode !== 202) throw new Error(response.body)
  return tokenIn((await smtp.waitForMails(before + 1))[before])
}

function logIn({ app }: TestApp, email: string, password: string) {
  return app.inject({ method: 'POST', url: '/login', payload: { email, password } })
}

function confirm({ app }: TestApp, token: string, password: string) {
  return app.inject({ method: 'POST', url: '/confirm-email', payload: { token, password } })
}

t.test("every link sets the victim's password and never a planted one", async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  const registrationOrders = [
    ...orders<Registrant>(['victim', 'attacker']),
    ...orders<Registrant>(['victim', 'attacker', 'attacker']),
  ]
  let scenario = 0
  for (const order of registrationOrders) {
    for (const first of order.keys()) {
      const email = `victim-${++scenario}@example.org`
      const name = `registered ${order.join(', ')}; link ${first + 1} opened first`
      const links: string[] = []
      for (const who of order) {
        links.push(await register(service, email, PASSWORD[who]))
        const early = await logIn(service, email, PASSWORD[who])
        t.equal(early.json().code, 'invalid_credentials', `${name}: ${who} before any confirmation`)
      }
      t.match(await rows.countsOf(email), { users: 0, sessions: 0, registrations: 1 }, name)
      t.equal((await confirm(service, links[first] as string, PASSWORD.victim)).statusCode, 200, name)
      t.match(await rows.countsOf(email), { users: 1, sessions: 1, registrations: 0 }, name)
      for (const token of links) {
        const again = await confirm(service, token, PASSWORD.attacker)
        t.equal(again.json().code, 'token_spent', `${name}: every link is spent`)
      }
      t.equal(
        (await logIn(service, email, PASSWORD.attacker)).statusCode,
        401,
        `${name}: the attacker has no access`,
      )
      t.equal((await logIn(service, email, PASSWORD.victim)).statusCode, 200, name)
    }
  }
  t.equal(scenario, 2 * 2 + 3 * 3, 'every order was tried')
})

t.test('an attacker who registers after the confirmation gets and changes nothing', async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  const email = 'victim@example.org'
  await confirm(service, await register(service, email, PASSWORD.victim), PASSWORD.victim)
  const before = await rows.client.user.findUniqueOrThrow({ where: { email } })

  const payload = { email, password: PASSWORD.attacker }
  t.equal((await service.app.inject({ method: 'POST', url: '/register', payload })).statusCode, 202)
  await rows.settled()
  t.notMatch(service.smtp.mails.at(-1)?.raw, /token=/, 'the mail carries no token')
  t.equal((await logIn(service, email, PASSWORD.attacker)).statusCode, 401)
  t.strictSame(await rows.client.user.findUniqueOrThrow({ where: { email } }), before)
})

t.test('opening a link changes nothing', async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  const email = 'victim@example.org'
  const token = await register(service, email, PASSWORD.attacker)
  await rows.settled()
  const link = /https?:\S+#token=\S+/.exec(service.smtp.mails[0]?.text ?? '')?.[0] as string
  const { pathname, hash } = new URL(link)
  t.equal(hash, `#token=${token}`, 'the token is in the fragment')

  const before = await rows.dump()
  for (const method of ['GET', 'HEAD', 'POST'] as const) {
    // A link scanner may also turn the fragment into a query.
    for (const url of [
      pathname,
      `${pathname}?token=${token}`,
      '/confirm-email',
      `/confirm-email?token=${token}`,
    ]) {
      const response = await service.app.inject({ method, url })
      t.ok(response.statusCode >= 400 || method !== 'POST', `${method} ${url.slice(0, 30)}`)
      t.notMatch(response.body, /accessToken/)
    }
  }
  const response = await service.app.inject({ method: 'POST', url: '/confirm-email', payload: { token } })
  t.equal(response.json().code, 'validation_failed', 'the password belongs to it')
  t.strictSame(await rows.dump(), before)
  t.equal((await confirm(service, token, PASSWORD.victim)).statusCode, 200, 'the link stayed valid')
})

t.test('an expired registration sends no email and blocks no email', async t => {
  const time = testClock()
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const rows = await openRows(t, service.databaseUrl)
  const email = 'ada@example.org'
  const token = await register(service, email, PASSWORD.attacker)
  await rows.settled()
  const { expiresAt } = await rows.client.registration.findUniqueOrThrow({ where: { email } })
  time.advance((expiresAt.getTime() - time.clock().getTime()) / 1000)
  const mails = service.smtp.mails.length
  t.equal((await confirm(service, token, PASSWORD.victim)).json().code, 'token_expired')
  for (const url of ['/confirm-email/resend', '/password-reset/request']) {
    await service.app.inject({ method: 'POST', url, payload: { email } })
  }
  await rows.settled()
  t.equal(service.smtp.mails.length, mails)
  t.match(await rows.countsOf(email), { users: 0, sessions: 0 })

  const fresh = await register(service, email, PASSWORD.victim)
  t.equal((await confirm(service, fresh, PASSWORD.victim)).statusCode, 200)
})

t.test("with EMAIL_CONFIRMATION=off a reset by the mailbox's owner evicts a squatter", async t => {
  const service = await startApp(t, { env: { EMAIL_CONFIRMATION: 'off' } })
  const { app, smtp } = service
  const rows = await openRows(t, service.databaseUrl)
  const email = 'victim@example.org'
  const payload = { email, password: PASSWORD.attacker }
  t.equal((await app.inject({ method: 'POST', url: '/register', payload })).statusCode, 201)
  const squatter = (await logIn(service, email, PASSWORD.attacker)).json()

  await app.inject({ method: 'POST', url: '/confirm-email/resend', payload: { email } })
  const confirmation = tokenIn((await smtp.waitForMails(1))[0])
  await app.inject({ method: 'POST', url: '/password-reset/request', payload: { email } })
  const token = tokenIn((await smtp.waitForMails(2))[1])
  const reset = await app.inject({
    method: 'POST',
    url: '/password-reset/confirm',
    payload: { token, newPassword: PASSWORD.victim },
  })
  t.equal(reset.statusCode, 204)

  t.equal((await logIn(service, email, PASSWORD.attacker)).statusCode, 401, 'the password is void')
  const headers = { authorization: `Bearer ${squatter.accessToken}` }
  t.equal((await app.inject({ method: 'GET', url: '/me', headers })).statusCode, 401, 'the session too')
  const { refreshToken } = squatter
  const refreshed = await app.inject({ method: 'POST', url: '/token/refresh', payload: { refreshToken } })
  t.equal(refreshed.json().code, 'refresh_token_invalid')
  t.equal((await confirm(service, confirmation, PASSWORD.attacker)).json().code, 'token_spent')
  t.equal((await logIn(service, email, PASSWORD.victim)).statusCode, 200)
  t.type((await rows.client.user.findUniqueOrThrow({ where: { email } })).emailConfirmedAt, Date)
})
