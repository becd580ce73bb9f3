import { randomBytes } from 'node:crypto'
import t from 'tap'
import { confirmedAccount, startApp, type TestApp, testClock, testEnvironment } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { openRows } from '../../harness/rows.ts'

const refresh = ({ app }: Pick<TestApp, 'app'>, refreshToken: string) =>
  app.inject({ method: 'POST', url: '/token/refresh', payload: { refreshToken } })

const me = ({ app }: Pick<TestApp, 'app'>, accessToken: string) =>
  app.inject({ url: '/me', headers: { authorization: `Bearer ${accessToken}` } })

const day = 86_400

t.test('a refresh returns a new pair and spends the old refresh token', async t => {
  const time = testClock(new Date('2030-01-01T00:00:00Z'))
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const first = await confirmedAccount(service)
  time.advance(60)
  const answer = await refresh(service, first.refreshToken)
  t.equal(answer.statusCode, 200)
  t.equal(answer.headers['cache-control'], 'no-store')
  const second = answer.json()
  t.strictSame(Object.keys(second).sort(), [
    'accessToken',
    'expiresIn',
    'refreshExpiresIn',
    'refreshToken',
    'tokenType',
  ])
  t.match(second, { tokenType: 'Bearer', expiresIn: 900, refreshExpiresIn: 14 * day })
  t.not(second.refreshToken, first.refreshToken)
  t.equal(
    (await me(service, first.accessToken)).statusCode,
    200,
    'the old access token is valid until it expires',
  )
  t.equal((await me(service, second.accessToken)).statusCode, 200)
})

t.test('the database holds no refresh token', async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  const first = await confirmedAccount(service)
  const second = (await refresh(service, first.refreshToken)).json()
  const stored = JSON.stringify(await rows.dump())
  t.match(stored, /refreshHash/)
  for (const { refreshToken, accessToken } of [first, second]) {
    t.notOk(stored.includes(refreshToken))
    t.notOk(stored.includes(accessToken))
    const secret = Buffer.from(refreshToken, 'base64url').subarray(16, 48)
    for (const encoding of ['base64url', 'base64', 'hex'] as const) {
      t.notOk(stored.includes(secret.toString(encoding)))
    }
  }
})

t.test('a token replayed after the grace window revokes its session and no other', async t => {
  const time = testClock()
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const { app, log } = service
  const first = await confirmedAccount(service)
  const { email, password } = first
  const elsewhere = (await app.inject({ method: 'POST', url: '/login', payload: { email, password } })).json()
  const stranger = await confirmedAccount(service)
  const second = (await refresh(service, first.refreshToken)).json()
  time.advance(10)
  isProblemOf(t, await refresh(service, first.refreshToken), 'refresh_token_invalid')

  isProblemOf(t, await refresh(service, second.refreshToken), 'refresh_token_invalid')
  for (const { accessToken } of [first, second]) {
    isProblemOf(t, await me(service, accessToken), 'unauthenticated')
  }
  t.equal((await refresh(service, elsewhere.refreshToken)).statusCode, 200)
  t.equal((await refresh(service, stranger.refreshToken)).statusCode, 200)

  const reuses = log.filter(({ event }) => /^authn_token_reuse:/.test(String(event)))
  t.equal(reuses.length, 1)
  t.match(reuses[0], { level: 40, session: String, msg: /refresh token replayed/ })
  for (const { refreshToken, accessToken } of [first, second]) {
    t.notOk(JSON.stringify(log).includes(refreshToken), 'no token in the log')
    t.notOk(JSON.stringify(log).includes(accessToken))
  }
})

/** Steps: `wait` seconds, or show a token (0 is the first of the session) and get its successor, the `same` or `none`. */
const SEQUENCES: { name: string; env?: Record<string, string>; steps: string[] }[] = [
  {
    name: 'a token that was spent long ago still revokes its session',
    steps: ['new 0', 'new 1', 'wait 86400', 'new 2', 'wait 345600', 'none 0', 'none 3'],
  },
  {
    name: 'in the grace window a spent token returns its successor while that is unused',
    steps: ['new 0', 'wait 9.999', 'same 0', 'new 1', 'none 0', 'none 2'],
  },
  {
    name: 'without a grace window, even a call that arrived before the rotation is a replay',
    env: { REFRESH_GRACE: '0' },
    steps: ['new 0', 'wait -0.005', 'none 0', 'none 1'],
  },
  {
    name: 'a clock rollback extends the grace window only by as much as clocks of instances may differ',
    steps: ['new 0', 'wait -20', 'same 0', 'wait -3580', 'none 0', 'none 1'],
  },
  {
    name: 'a session that is not refreshed expires after 14 days',
    steps: ['wait 1209599', 'new 0', 'wait 1209600', 'none 1'],
  },
]

for (const { name, env = {}, steps } of SEQUENCES) {
  t.test(name, async t => {
    const time = testClock()
    const service = await startApp(t, { env, overrides: { clock: time.clock } })
    const first = await confirmedAccount(service)
    const pairs: { refreshToken: string; accessToken: string }[] = [first]
    for (const step of steps) {
      const [act, value] = step.split(' ') as ['wait' | 'new' | 'same' | 'none', string]
      if (act === 'wait') {
        time.advance(Number(value))
        continue
      }
      const answer = await refresh(service, pairs[Number(value)]?.refreshToken as string)
      if (act === 'none') isProblemOf(t, answer, 'refresh_token_invalid', step)
      else {
        if (act === 'new') pairs.push(answer.json())
        t.equal(answer.json().refreshToken, pairs[Number(value) + 1]?.refreshToken, step)
        t.equal((await me(service, answer.json().accessToken)).statusCode, 200)
      }
    }
    for (const { accessToken } of pairs) isProblemOf(t, await me(service, accessToken), 'unauthenticated')
  })
}

t.test('an invented token revokes nothing, whatever the attacker knows', async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  const mine = await confirmedAccount(service)
  const other = await confirmedAccount(service)
  const spent = mine.refreshToken
  const alive = (await refresh(service, spent)).json().refreshToken as string
  await rows.settled()
  const before = await rows.dump()

  const bytes = Buffer.from(alive, 'base64url')
  const [id, secret, seal] = [bytes.subarray(0, 16), bytes.subarray(16, 48), bytes.subarray(48)]
  const assembled = (...parts: Buffer[]) => Buffer.concat(parts).toString('base64url')
  const inventions: Record<string, string> = {
    'random secret and seal': assembled(id, randomBytes(48)),
    'random secret, seal of the real one': assembled(id, randomBytes(32), seal),
    'real secret, random seal': assembled(id, secret, randomBytes(16)),
    'secret of zeros': assembled(id, Buffer.alloc(48)),
    'id of another session': assembled(
      Buffer.from(other.refreshToken, 'base64url').subarray(0, 16),
      secret,
      seal,
    ),
    'id of no session': assembled(randomBytes(16), secret, seal),
    'id that is no uuid': assembled(Buffer.alloc(16, 0x11), secret, seal),
    'the stored hash': (await rows.client.session.findFirstOrThrow()).refreshHash,
    truncated: alive.slice(0, -1),
    'one more': `${alive}A`,
    'padding behind': `${alive}=`,
    'line break behind': `${alive}\n`,
    'space before': ` ${alive}`,
    // Some bits of the last character are ignored when it is decoded.
    'another spelling of the last character': alive.slice(0, -1) + (/[A-Za-z]$/.test(alive) ? '-' : 'B'),
    garbage: 'garbage',
    '4096 characters': 'A'.repeat(4096),
    'not ASCII': '🔑'.repeat(43),
    'access token': mine.accessToken,
  }
  for (const token of [alive, spent]) {
    for (let position = 0; position < token.length; position++) {
      const changed = token[position] === 'x' ? 'y' : 'x'
      inventions[`${token === alive ? 'live' : 'spent'} token, character ${position} changed`] =
        token.slice(0, position) + changed + token.slice(position + 1)
    }
  }
  for (const [name, token] of Object.entries(inventions)) {
    isProblemOf(t, await refresh(service, token), 'refresh_token_invalid', name)
  }
  t.strictSame(await rows.dump(), before, 'nothing changed')
  t.equal((await refresh(service, alive)).statusCode, 200, 'and the session stays active')
  isProblemOf(t, await refresh(service, ''), 'validation_failed')
  isProblemOf(t, await refresh(service, 'A'.repeat(4097)), 'validation_failed')
})

t.test('a session expires after 30 days in any case, and the response says so', async t => {
  const time = testClock(new Date('2030-01-01T00:00:00Z'))
  const service = await startApp(t, { overrides: { clock: time.clock } })
  let { refreshToken } = await confirmedAccount(service)
  const left: number[] = []
  for (let passed = 5; passed < 30; passed += 5) {
    time.advance(5 * day)
    const answer = await refresh(service, refreshToken)
    t.equal(answer.statusCode, 200)
    left.push(answer.json().refreshExpiresIn / day)
    refreshToken = answer.json().refreshToken
  }
  t.strictSame(left, [14, 14, 14, 10, 5])
  time.advance(5 * day - 1)
  const last = await refresh(service, refreshToken)
  t.equal(last.json().refreshExpiresIn, 1)
  time.advance(1)
  isProblemOf(t, await refresh(service, last.json().refreshToken), 'refresh_token_invalid')
  isProblemOf(t, await me(service, last.json().accessToken), 'unauthenticated', 'the session has expired')
})

t.test('a disabled or deleted account is refused at once', async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  const disabled = await confirmedAccount(service)
  const deleted = await confirmedAccount(service)
  await rows.settled()
  await rows.disable(disabled.email)
  await rows.client.user.delete({ where: { email: deleted.email } })
  for (const { accessToken, refreshToken } of [disabled, deleted]) {
    isProblemOf(t, await me(service, accessToken), 'unauthenticated')
    isProblemOf(t, await refresh(service, refreshToken), 'refresh_token_invalid')
  }
})

t.test('enabling an account does not restore its sessions', async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  const [account, other] = [await confirmedAccount(service), await confirmedAccount(service)]
  const { email, password, accessToken, refreshToken } = account
  const logIn = () => service.app.inject({ method: 'POST', url: '/login', payload: { email, password } })
  // Logins in progress leave no session either.
  await Promise.all([rows.disable(email), logIn(), logIn(), logIn()])
  t.equal(await rows.client.session.count({ where: { user: { email } } }), 0)
  await rows.enable(email)
  isProblemOf(t, await me(service, accessToken), 'unauthenticated')
  isProblemOf(t, await refresh(service, refreshToken), 'refresh_token_invalid')
  t.equal((await me(service, other.accessToken)).statusCode, 200, "another account's session goes on")
  t.equal((await me(service, (await logIn()).json().accessToken)).statusCode, 200)
})

t.test('refresh tokens survive a secret rotation', async t => {
  const [old, next] = [testEnvironment.JWT_SECRET, randomBytes(32).toString('base64url')]
  const before = await startApp(t)
  const { databaseUrl, smtp } = before
  const one = await confirmedAccount(before)
  const two = await confirmedAccount(before)
  await before.app.close()

  const during = await startApp(t, {
    ...{ databaseUrl, smtp },
    env: { JWT_SECRET: next, JWT_SECRET_PREVIOUS: old },
  })
  t.equal((await me(during, one.accessToken)).statusCode, 200)
  const rotated = await refresh(during, one.refreshToken)
  t.equal(rotated.statusCode, 200)
  const again = await refresh(during, one.refreshToken)
  t.equal(again.json().refreshToken, rotated.json().refreshToken, 'the grace works across secrets')
  await during.app.close()

  const time = testClock()
  const after = await startApp(t, {
    ...{ databaseUrl, smtp },
    env: { JWT_SECRET: next },
    overrides: { clock: time.clock },
  })
  isProblemOf(t, await me(after, one.accessToken), 'unauthenticated')
  t.equal((await refresh(after, rotated.json().refreshToken)).statusCode, 200)
  const byItsHash = await refresh(after, two.refreshToken)
  t.equal(byItsHash.statusCode, 200)
  time.advance(11)
  isProblemOf(t, await refresh(after, two.refreshToken), 'refresh_token_invalid')
  isProblemOf(t, await refresh(after, byItsHash.json().refreshToken), 'refresh_token_invalid', 'replayed')
})
