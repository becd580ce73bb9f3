/**
 * Somebody who knows the victim's address but cannot read its mail registers it, before, after or in
 * between the victim's own registrations. (Sudhodanan and Paverd, "Pre-hijacked accounts", 2022)
 */
import t from 'tap'
import { startApp, type TestApp, testClock, tokenIn } from '../harness/app.ts'
import { openRows } from '../harness/rows.ts'

const PASSWORD = { victim: 'the words of the victim', attacker: 'the words of the attacker' }
type Who = keyof typeof PASSWORD

/** All orders of a list, without repeating equal ones. */
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

t.test('whatever the victim confirms with the own password, the other password never logs in', async t => {
  const house = await startApp(t)
  const rows = await openRows(t, house.databaseUrl)
  const registrationOrders = [
    ...orders<Who>(['victim', 'attacker']),
    ...orders<Who>(['victim', 'attacker', 'attacker']),
    ...orders<Who>(['victim', 'victim', 'attacker']),
  ]
  let scenario = 0
  for (const order of registrationOrders) {
    for (const reading of orders(order.map((_who, i) => i))) {
      const email = `victim-${++scenario}@example.org`
      const name = `registered ${order.join(', ')}; links opened ${reading.map(i => i + 1).join(', ')}`
      const links: { who: Who; token: string }[] = []
      for (const who of order) links.push({ who, token: await register(house, email, PASSWORD[who]) })

      const newest = order.at(-1)
      for (const who of ['victim', 'attacker'] as const) {
        const early = await logIn(house, email, PASSWORD[who])
        const code = who === newest ? 'email_not_confirmed' : 'invalid_credentials'
        t.equal(early.json().code, code, `${name}: ${who} before any confirmation`)
      }

      let confirmed = false
      for (const link of reading.map(i => links[i] as (typeof links)[number])) {
        const response = await confirm(house, link.token, PASSWORD.victim)
        if (confirmed) {
          t.equal(response.json().code, 'token_spent', `${name}: every other link is dead`)
        } else if (link.who === 'attacker') {
          t.equal(response.json().code, 'invalid_credentials', `${name}: not the password of this link`)
          t.match(await rows.countsOf(email), { users: 0, sessions: 0, registrations: order.length }, name)
        } else {
          t.equal(response.statusCode, 200, `${name}: the victim's own link`)
          t.match(await rows.countsOf(email), { users: 1, sessions: 1, registrations: 0 }, name)
          confirmed = true
        }
        const intruder = await logIn(house, email, PASSWORD.attacker)
        t.not(intruder.statusCode, 200, `${name}: the attacker never gets in`)
      }

      for (const { token } of links) {
        const again = await confirm(house, token, PASSWORD.attacker)
        t.equal(again.json().code, 'token_spent', `${name}: nor with a link and the attacker's password`)
      }
      t.equal((await logIn(house, email, PASSWORD.attacker)).statusCode, 401, name)
      t.equal((await logIn(house, email, PASSWORD.victim)).statusCode, 200, name)
    }
  }
  t.equal(scenario, 4 + 18 + 18, 'every order was tried')
})

t.test('an attacker who registers after the confirmation gets and changes nothing', async t => {
  const house = await startApp(t)
  const rows = await openRows(t, house.databaseUrl)
  const email = 'victim@example.org'
  await confirm(house, await register(house, email, PASSWORD.victim), PASSWORD.victim)
  const before = await rows.client.user.findUniqueOrThrow({ where: { email } })

  const payload = { email, password: PASSWORD.attacker }
  t.equal((await house.app.inject({ method: 'POST', url: '/register', payload })).statusCode, 202)
  await rows.settled()
  t.notMatch(house.smtp.mails.at(-1)?.raw, /token=/, 'the mail carries no token')
  t.equal((await logIn(house, email, PASSWORD.attacker)).statusCode, 401)
  t.strictSame(await rows.client.user.findUniqueOrThrow({ where: { email } }), before)
})

t.test('a link alone changes nothing, whoever follows it', async t => {
  const house = await startApp(t)
  const rows = await openRows(t, house.databaseUrl)
  const email = 'victim@example.org'
  const token = await register(house, email, PASSWORD.attacker)
  await rows.settled()
  const link = /https?:\S+#token=\S+/.exec(house.smtp.mails[0]?.text ?? '')?.[0] as string
  const { pathname, hash } = new URL(link)
  t.equal(hash, `#token=${token}`, 'the token is in the fragment')

  const before = await rows.dump()
  for (const method of ['GET', 'HEAD', 'POST'] as const) {
    // A scanner may also turn the fragment into a query.
    for (const url of [
      pathname,
      `${pathname}?token=${token}`,
      '/confirm-email',
      `/confirm-email?token=${token}`,
    ]) {
      const response = await house.app.inject({ method, url })
      t.ok(response.statusCode >= 400 || method !== 'POST', `${method} ${url.slice(0, 30)}`)
      t.notMatch(response.body, /accessToken/)
    }
  }
  const response = await house.app.inject({ method: 'POST', url: '/confirm-email', payload: { token } })
  t.equal(response.json().code, 'validation_failed', 'the password belongs to it')
  t.strictSame(await rows.dump(), before)
  t.equal((await confirm(house, token, PASSWORD.attacker)).statusCode, 200, 'the link was alive all the time')
})

t.test('a log in while pending knows the newest registration, for as long as it lives', async t => {
  const time = testClock()
  const house = await startApp(t, { overrides: { clock: time.clock } })
  const rows = await openRows(t, house.databaseUrl)
  const email = 'ada@example.org'
  await register(house, email, 'the older password')
  time.advance(60)
  const token = await register(house, email, 'the newer password')
  t.equal((await logIn(house, email, 'the newer password')).json().code, 'email_not_confirmed')
  t.equal((await logIn(house, email, 'the older password')).json().code, 'invalid_credentials')
  t.equal((await logIn(house, email, 'neither of the two')).json().code, 'invalid_credentials')

  const { expiresAt } = await rows.client.registration.findFirstOrThrow({ orderBy: { createdAt: 'desc' } })
  time.advance((expiresAt.getTime() - time.clock().getTime()) / 1000)
  const mails = house.smtp.mails.length
  t.equal((await logIn(house, email, 'the newer password')).json().code, 'invalid_credentials')
  t.equal((await confirm(house, token, 'the newer password')).json().code, 'token_expired')
  for (const url of ['/confirm-email/resend', '/password-reset/request']) {
    await house.app.inject({ method: 'POST', url, payload: { email } })
  }
  await rows.settled()
  t.equal(house.smtp.mails.length, mails, 'an expired registration causes no mail')
  t.match(await rows.countsOf(email), { users: 0, sessions: 0 })

  const fresh = await register(house, email, 'a third password, later')
  t.equal((await confirm(house, fresh, 'a third password, later')).statusCode, 200, 'and holds no address')
})

t.test('with EMAIL_CONFIRMATION=off a reset by the owner of the mailbox evicts a squatter', async t => {
  const house = await startApp(t, { env: { EMAIL_CONFIRMATION: 'off' } })
  const { app, smtp } = house
  const rows = await openRows(t, house.databaseUrl)
  const email = 'victim@example.org'
  const payload = { email, password: PASSWORD.attacker }
  t.equal((await app.inject({ method: 'POST', url: '/register', payload })).statusCode, 201)
  const squatter = (await logIn(house, email, PASSWORD.attacker)).json()

  await app.inject({ method: 'POST', url: '/confirm-email/resend', payload: { email } })
  const confirmation = tokenIn((await smtp.waitForMails(1))[0])
  const blind = await confirm(house, confirmation, PASSWORD.victim)
  t.equal(blind.json().code, 'invalid_credentials', "a click does not confirm the squatter's password")
  t.equal((await rows.client.user.findUniqueOrThrow({ where: { email } })).emailConfirmedAt, null)

  await app.inject({ method: 'POST', url: '/password-reset/request', payload: { email } })
  const token = tokenIn((await smtp.waitForMails(2))[1])
  const reset = await app.inject({
    method: 'POST',
    url: '/password-reset/confirm',
    payload: { token, newPassword: PASSWORD.victim },
  })
  t.equal(reset.statusCode, 204)

  t.equal((await logIn(house, email, PASSWORD.attacker)).statusCode, 401, 'the password is dead')
  const headers = { authorization: `Bearer ${squatter.accessToken}` }
  t.equal((await app.inject({ method: 'GET', url: '/me', headers })).statusCode, 401, 'the session too')
  const { refreshToken } = squatter
  const refreshed = await app.inject({ method: 'POST', url: '/token/refresh', payload: { refreshToken } })
  t.equal(refreshed.json().code, 'refresh_token_invalid')
  t.equal((await confirm(house, confirmation, PASSWORD.attacker)).json().code, 'token_spent')
  t.equal((await logIn(house, email, PASSWORD.victim)).statusCode, 200)
  t.type((await rows.client.user.findUniqueOrThrow({ where: { email } })).emailConfirmedAt, Date)
})
