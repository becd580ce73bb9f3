// A thousand clients, each in a separate network, guess the password of one account. The owner can still log in.
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { confirmedAccount, resetToken, startApp } from '../harness/app.ts'
import { tally } from './tally.ts'

const ATTACKERS = 1000

function logIn(app: FastifyInstance, email: string, password: string, remoteAddress: string) {
  return app.inject({ method: 'POST', url: '/login', remoteAddress, payload: { email, password } })
}

/** Half of them IPv4, half a /64 each. */
const network = (i: number) =>
  i % 2 ? `10.66.${i >> 8}.${i & 255}` : `2001:db8:${i.toString(16)}::${(i + 1).toString(16)}`

t.test('guesses from a thousand networks do not lock the owner out of a familiar network', async t => {
  t.setTimeout(110_000)
  const service = await startApp(t, { env: { RATE_LIMIT: 'on' } })
  const { app } = service
  const { email, password } = await confirmedAccount(service)
  t.equal((await logIn(app, email, password, '192.0.2.1')).statusCode, 200)

  // As many in parallel as fit into the queue.
  const guesses: Awaited<ReturnType<typeof logIn>>[] = []
  let next = 0
  const stranger = async () => {
    while (next < ATTACKERS) guesses.push(await logIn(app, email, `wrong guess ${next}`, network(next++)))
  }
  const strangers = Promise.all(Array.from({ length: 30 }, stranger))
  const entries = []
  for (let i = 0; i < 3; i++) {
    while (next < (ATTACKERS * i) / 4) await new Promise(resolve => setImmediate(resolve))
    entries.push(await logIn(app, email, password, '192.0.2.1'))
  }
  t.ok(next < ATTACKERS, 'the guesses continued meanwhile')
  await strangers
  t.strictSame(tally(entries), { 200: 3 }, 'each login of the owner succeeded at the first attempt')
  const { '401 invalid_credentials': checked = 0, '429 rate_limited': delayed = 0, ...rest } = tally(guesses)
  t.strictSame(rest, {}, 'and none of them')
  t.equal(checked + delayed, ATTACKERS)
  // One more for each wait that ends meanwhile: 1 s, 2 s, 4 s and so on.
  t.ok(checked >= 100 && checked <= 108, 'most are delayed', { checked, delayed })

  t.equal((await logIn(app, email, password, '203.0.113.9')).statusCode, 429, 'a new network is delayed')
  const newPassword = 'a staple of correct batteries'
  const token = await resetToken(service, email)
  const reset = await app.inject({
    method: 'POST',
    url: '/password-reset/confirm',
    remoteAddress: '203.0.113.9',
    payload: { token, newPassword },
  })
  t.equal(reset.statusCode, 204)
  t.equal((await logIn(app, email, newPassword, '203.0.113.9')).statusCode, 200, 'until a reset from there')
})

t.test('in a flood the owner gets Retry-After and then logs in', async t => {
  const service = await startApp(t, {
    env: { RATE_LIMIT: 'on', HASH_QUEUE_TIMEOUT: '1', ARGON2_MEMORY_KIB: '1024' },
  })
  const { app } = service
  const { email, password } = await confirmedAccount(service)
  const flood = Array.from({ length: ATTACKERS }, (_, i) => logIn(app, email, 'wrong guess', network(i)))
  const inTheMiddle = await logIn(app, email, password, '192.0.2.1')
  const answers = tally(await Promise.all(flood))
  t.strictSame(
    Object.keys(answers).sort(),
    ['401 invalid_credentials', '503 overloaded'],
    'the other clients are refused or shed',
  )
  t.notSame(inTheMiddle.statusCode, 401, 'no login of the owner is refused as wrong')
  t.notSame(inTheMiddle.statusCode, 429, 'nor as one attempt too many')
  if (inTheMiddle.statusCode === 503)
    t.ok(Number(inTheMiddle.headers['retry-after']) <= 2, 'a moment to wait')
  t.equal((await logIn(app, email, password, '192.0.2.1')).statusCode, 200)
})

t.test(
  'an attacker who uses up the limits of an address in the owner’s network delays the owner only',
  async t => {
    const service = await startApp(t, { env: { RATE_LIMIT: 'on' } })
    const { app } = service
    const { email, password } = await confirmedAccount(service)
    for (let i = 0; i < 8; i++) await logIn(app, email, 'wrong guess', '192.0.2.1')
    const shut = await logIn(app, email, password, '192.0.2.1')
    t.equal(shut.statusCode, 429)
    t.ok(Number(shut.headers['retry-after']) <= 180, 'the owner behind the same address waits', shut.headers)
    t.equal((await logIn(app, email, password, '192.0.2.2')).statusCode, 200, 'or comes from another')
  },
)
