import { hash } from 'argon2'
import t from 'tap'
import { v7 as uuidv7 } from 'uuid'
import { newSession } from '../../src/sessions/pair.ts'
import { confirmedAccount, resetToken, startApp, tokenIn } from '../harness/app.ts'
import { openRows } from '../harness/rows.ts'
import { tally } from './tally.ts'

const AT_ONCE = 50
/** More hashes queue here than the default timeout allows on one core. */
const env = { HASH_QUEUE_TIMEOUT: '60' }

const numbered = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, i) => make(i))

/** Waits a random number of turns, so that every round interleaves differently. */
async function randomTurns() {
  for (let turns = Math.floor(Math.random() * 12); turns > 0; turns--) {
    await new Promise(resolve => setImmediate(resolve))
  }
}

t.test('of 50 parallel resets with one link exactly one succeeds', async t => {
  const service = await startApp(t, { env })
  const { app, smtp, databaseUrl } = service
  const rows = await openRows(t, databaseUrl)
  const { email, password, accessToken } = await confirmedAccount(service)
  const token = await resetToken(service, email)

  const passwords = numbered(AT_ONCE, index => `password of contender ${index}`)
  const answers = await Promise.all(
    passwords.map(newPassword =>
      app.inject({ method: 'POST', url: '/password-reset/confirm', payload: { token, newPassword } }),
    ),
  )
  t.strictSame(tally(answers), { '204': 1, '400 token_spent': AT_ONCE - 1 })
  t.equal(await rows.client.session.count(), 0, 'every session was revoked')

  const me = await app.inject({ url: '/me', headers: { authorization: `Bearer ${accessToken}` } })
  t.equal(me.statusCode, 401)

  const loggedIn: string[] = []
  for (const candidate of [password, ...passwords]) {
    const answer = await app.inject({
      method: 'POST',
      url: '/login',
      payload: { email, password: candidate },
    })
    if (answer.statusCode === 200) loggedIn.push(candidate)
    else t.equal(answer.json().code, 'invalid_credentials')
  }
  const winner = passwords[answers.findIndex(({ statusCode }) => statusCode === 204)]
  t.strictSame(loggedIn, [winner], 'only the password of the request with 204 logs in')

  await rows.settled()
  t.equal(await rows.client.outbox.count({ where: { kind: 'password_changed' } }), 1)
  t.equal(smtp.mails.filter(({ subject }) => /was changed/.test(subject)).length, 1, 'one notice')
})

t.test(
  'of 50 parallel confirmations with one link exactly one creates the account and its session',
  async t => {
    const { app, smtp, databaseUrl } = await startApp(t, { env })
    const rows = await openRows(t, databaseUrl)
    const email = 'ada@example.org'
    await app.inject({ method: 'POST', url: '/register', payload: { email } })
    const token = tokenIn((await smtp.waitForMails(1))[0])
    const passwords = numbered(AT_ONCE, index => `password of confirmation ${index}`)

    const answers = await Promise.all(
      passwords.map(password =>
        app.inject({ method: 'POST', url: '/confirm-email', payload: { token, password } }),
      ),
    )
    t.strictSame(tally(answers), { '200': 1, '400 token_spent': AT_ONCE - 1 })
    const winner = answers.findIndex(({ statusCode }) => statusCode === 200)
    for (const index of [winner, (winner + 1) % AT_ONCE]) {
      const payload = { email, password: passwords[index] }
      const { statusCode } = await app.inject({ method: 'POST', url: '/login', payload })
      t.equal(statusCode, index === winner ? 200 : 401, "the winner's password, and no other")
    }
    t.equal(await rows.client.user.count(), 1)
    t.equal(await rows.client.session.count(), 2, "the confirmation's and that of the login")
    t.equal(await rows.client.registration.count(), 0)
  },
)

t.test('of 50 parallel confirmations of an unconfirmed account one opens a session', async t => {
  const { app, smtp, databaseUrl } = await startApp(t, { env: { ...env, EMAIL_CONFIRMATION: 'off' } })
  const rows = await openRows(t, databaseUrl)
  const email = 'ada@example.org'
  const password = 'correct horse battery staple'
  await app.inject({ method: 'POST', url: '/register', payload: { email, password } })
  await app.inject({ method: 'POST', url: '/confirm-email/resend', payload: { email } })
  const token = tokenIn((await smtp.waitForMails(1))[0])

  const answers = await Promise.all(
    numbered(AT_ONCE, () =>
      app.inject({ method: 'POST', url: '/confirm-email', payload: { token, password } }),
    ),
  )
  t.strictSame(tally(answers), { '200': 1, '400 token_spent': AT_ONCE - 1 })
  t.equal(await rows.client.session.count(), 1)
})

t.test('a registration that disappears during hashing creates no account', async t => {
  const { app, databaseUrl } = await startApp(t)
  const rows = await openRows(t, databaseUrl)
  const payload = { email: 'ada@example.org', password: 'correct horse battery staple' }
  await app.inject({ method: 'POST', url: '/register', payload })
  await rows.settled()
  const registration = await rows.client.registration.findFirstOrThrow()
  await rows.client.registration.deleteMany()
  const { session } = newSession(app.tokens, app.config, new Date())
  const nowhere = { ip: null, device: null, requestId: null }
  t.equal(
    await app.database.registrations.confirm(
      registration,
      { id: uuidv7(), passwordHash: 'x' },
      session,
      nowhere,
    ),
    undefined,
  )
  t.equal(await rows.client.user.count(), 0)
  t.equal(await rows.client.session.count(), 0)
})

t.test('of several links confirmed in parallel one creates the account', async t => {
  const { app, smtp, databaseUrl } = await startApp(t, { env })
  const rows = await openRows(t, databaseUrl)
  for (let round = 0; round < 5; round++) {
    const email = `contested-${round}@example.org`
    const candidates: { token: string; password: string }[] = []
    for (const password of numbered(4, index => `password of registrant ${index}`)) {
      const before = smtp.mails.length
      await app.inject({ method: 'POST', url: '/register', payload: { email, password } })
      candidates.push({ token: tokenIn((await smtp.waitForMails(before + 1)).at(-1)), password })
    }
    const answers = await Promise.all(
      [...candidates, ...candidates].map(async payload => {
        await randomTurns()
        return app.inject({ method: 'POST', url: '/confirm-email', payload })
      }),
    )
    t.strictSame(tally(answers), { '200': 1, '400 token_spent': 7 }, `round ${round}`)
    t.equal(await rows.client.registration.count({ where: { email } }), 0)
    t.equal(await rows.client.user.count({ where: { email } }), 1)
    const winner = answers.findIndex(({ statusCode }) => statusCode === 200) % candidates.length
    for (const [index, { password }] of candidates.entries()) {
      const answer = await app.inject({ method: 'POST', url: '/login', payload: { email, password } })
      t.equal(answer.statusCode, index === winner ? 200 : 401)
    }
  }
})

for (const { start, pause } of [
  { start: 'at once', pause: async () => {} },
  { start: 'within moments', pause: randomTurns },
]) {
  t.test(
    `without grace, of 50 refreshes with one token ${start} one succeeds and the family is revoked`,
    async t => {
      const service = await startApp(t, { env: { REFRESH_GRACE: '0' } })
      const { app } = service
      const rows = await openRows(t, service.databaseUrl)
      const { refreshToken } = await confirmedAccount(service)

      const answers = await Promise.all(
        numbered(AT_ONCE, async () => {
          await pause()
          return app.inject({ method: 'POST', url: '/token/refresh', payload: { refreshToken } })
        }),
      )
      t.strictSame(tally(answers), { '200': 1, '401 refresh_token_invalid': AT_ONCE - 1 })
      t.equal(await rows.client.session.count(), 0)
      const winner = answers.find(({ statusCode }) => statusCode === 200)?.json()
      const next = await app.inject({
        method: 'POST',
        url: '/token/refresh',
        payload: { refreshToken: winner.refreshToken },
      })
      t.equal(next.statusCode, 401, 'the successor was revoked with the family')
      const me = await app.inject({ url: '/me', headers: { authorization: `Bearer ${winner.accessToken}` } })
      t.equal(me.statusCode, 401)
    },
  )
}

t.test('50 parallel refreshes with one token agree on one successor', async t => {
  const service = await startApp(t)
  const { app } = service
  const rows = await openRows(t, service.databaseUrl)
  const { refreshToken } = await confirmedAccount(service)
  const before = await rows.client.session.findFirstOrThrow()

  const answers = await Promise.all(
    numbered(AT_ONCE, async () => {
      await randomTurns()
      return app.inject({ method: 'POST', url: '/token/refresh', payload: { refreshToken } })
    }),
  )
  t.strictSame(tally(answers), { '200': AT_ONCE })
  const successors = new Set(answers.map(answer => answer.json().refreshToken))
  t.equal(successors.size, 1)
  t.notOk(successors.has(refreshToken))
  const after = await rows.client.session.findFirstOrThrow()
  t.equal(after.previousRefreshHash, before.refreshHash, 'rotated exactly once')

  for (const answer of answers) {
    const { accessToken } = answer.json()
    const me = await app.inject({ url: '/me', headers: { authorization: `Bearer ${accessToken}` } })
    t.equal(me.statusCode, 200)
  }
  const next = await app.inject({
    method: 'POST',
    url: '/token/refresh',
    payload: { refreshToken: [...successors][0] },
  })
  t.equal(next.statusCode, 200, 'and that successor is valid')
})

t.test('no race with a reset keeps a session of the old password', async t => {
  const service = await startApp(t, { env: { ...env, ARGON2_TIME_COST: '2' } })
  const { app } = service
  const rows = await openRows(t, service.databaseUrl)
  let { email, password } = await confirmedAccount(service)
  const outcomes: Record<string, number> = {}

  for (let round = 0; round < 30; round++) {
    // In every other round, the login also upgrades the hash of the old password.
    const weak = await hash(password, { memoryCost: 64, timeCost: 1, parallelism: 1 })
    const user = await rows.client.user.update({
      where: { email },
      data: round % 2 === 0 ? { passwordHash: weak } : {},
    })
    const { token } = app.tokens.reset.mint(user, {})
    const newPassword = `password of round ${round}`
    const open = async () => {
      await randomTurns()
      return app.inject({ method: 'POST', url: '/login', payload: { email, password } })
    }
    const session = round % 2 === 0 ? undefined : (await open()).json()
    const refresh = async () => {
      await randomTurns()
      const { refreshToken } = session
      return app.inject({ method: 'POST', url: '/token/refresh', payload: { refreshToken } })
    }
    const reset = async () => {
      await randomTurns()
      return app.inject({ method: 'POST', url: '/password-reset/confirm', payload: { token, newPassword } })
    }

    const [done, ...others] = await Promise.all([reset(), open(), open(), ...(session ? [refresh()] : [])])
    const upgradedFirst = round % 2 === 0 && done.statusCode === 400
    const setIt = upgradedFirst ? 'upgrade first' : 'reset'
    if (upgradedFirst) t.equal(done.json().code, 'token_spent', 'a stored upgrade voids the link')
    else t.equal(done.statusCode, 204)

    for (const answer of others) {
      outcomes[`${setIt}, ${answer.statusCode}`] = (outcomes[`${setIt}, ${answer.statusCode}`] ?? 0) + 1
      if (answer.statusCode !== 200) {
        t.equal(answer.statusCode, 401)
        continue
      }
      const { accessToken, refreshToken } = answer.json()
      const expected = upgradedFirst ? 200 : 401
      const me = await app.inject({ url: '/me', headers: { authorization: `Bearer ${accessToken}` } })
      t.equal(me.statusCode, expected)
      const next = await app.inject({ method: 'POST', url: '/token/refresh', payload: { refreshToken } })
      t.equal(next.statusCode, expected)
    }
    const current = upgradedFirst ? password : newPassword
    if (!upgradedFirst) {
      t.equal(await rows.client.session.count(), 0)
      const old = await app.inject({ method: 'POST', url: '/login', payload: { email, password } })
      t.equal(old.statusCode, 401, 'an upgrade of the old hash never undoes the reset')
    }
    const back = await app.inject({ method: 'POST', url: '/login', payload: { email, password: current } })
    t.equal(back.statusCode, 200)
    password = current
  }
  t.comment(outcomes)
})

t.test('parallel logins that upgrade the hash all succeed', async t => {
  const service = await startApp(t, { env: { ...env, ARGON2_TIME_COST: '2' } })
  const { app } = service
  const rows = await openRows(t, service.databaseUrl)
  const { email, password } = await confirmedAccount(service)
  const weak = await hash(password, { memoryCost: 64, timeCost: 1, parallelism: 1 })
  await rows.client.user.update({ where: { email }, data: { passwordHash: weak } })

  const answers = await Promise.all(
    numbered(20, () => app.inject({ method: 'POST', url: '/login', payload: { email, password } })),
  )
  t.strictSame(tally(answers), { '200': 20 })
  const { passwordHash } = await rows.client.user.findUniqueOrThrow({ where: { email } })
  t.match(passwordHash, /t=2/)
})
