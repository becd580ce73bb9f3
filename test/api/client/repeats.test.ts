/** @latchkey/client: which requests are retried, and which are not. */
import t from 'tap'
import { confirmedAccount, startApp, testClock } from '../../harness/app.ts'
import { clientBy, type Failure, refusal, wireTo } from './wire.ts'

t.test('a request with a password is never retried', async t => {
  const time = testClock()
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const { email, password } = await confirmedAccount(service)
  const wire = wireTo(service.app)
  const client = clientBy(wire)
  await client.login({ email, password })
  const wrong = 'not this one'
  const calls = {
    'POST /login': () => client.login({ email, password: wrong }),
    'POST /password-change/request': () => client.requestPasswordChange({ currentPassword: wrong }),
    'POST /email-change/request': () =>
      client.requestEmailChange({ newEmail: 'new@example.org', currentPassword: wrong }),
    'POST /email-change/confirm': () => client.changeEmail({ token: 'a.b.c', password: wrong }),
    'DELETE /me': () => client.deleteMe({ currentPassword: wrong }),
    'POST /confirm-email': () => client.confirmEmail({ token: 'a.b.c', password: wrong }),
    'POST /password-reset/confirm': () => client.resetPassword({ token: 'a.b.c', newPassword: wrong }),
  }
  const mishaps: [name: string, failure: () => Failure | undefined][] = [
    ['refused by the service', () => undefined],
    ['response lost', () => 'response lost'],
    ['never sent', () => 'never sent'],
    ['rate limited', () => refusal(429, 'rate_limited', 0.001)],
    ['overloaded', () => refusal(503, 'overloaded', 0.001)],
    ['a gateway', () => new Response('<h1>Bad gateway', { status: 502 })],
    ['another 401', () => refusal(401, 'invalid_credentials')],
  ]
  const faults: string[] = []
  for (const [line, call] of Object.entries(calls)) {
    for (const [name, failure] of mishaps) {
      wire.sent.length = 0
      wire.failure = failure
      const { ok } = await call()
      if (ok || wire.sent.join() !== line) faults.push(`${line}, ${name}: ${wire.sent.join()}`)
    }
  }
  t.strictSame(faults, [])

  wire.failure = () => undefined
  time.advance(1000)
  wire.sent.length = 0
  t.match(await client.requestPasswordChange({ currentPassword: wrong }), {
    problem: { code: 'invalid_password' },
  })
  t.strictSame(
    wire.sent,
    ['POST /password-change/request', 'POST /token/refresh', 'POST /password-change/request'],
    'except after an expired access token, with which no password is checked',
  )
})

t.test('only a GET waits for Retry-After, within bounds', async t => {
  const service = await startApp(t)
  const { email, password } = await confirmedAccount(service)
  const wire = wireTo(service.app)
  const client = clientBy(wire)
  await client.login({ email, password })
  for (const [status, code] of [
    [429, 'rate_limited'],
    [503, 'overloaded'],
  ] as const) {
    for (const [times, seconds, requests, ok] of [
      [1, 0.01, 2, true],
      [2, 0.01, 3, true],
      [3, 0.01, 3, false],
      [1, 11, 1, false],
      [1, undefined, 1, false],
    ] as const) {
      let left = times
      wire.sent.length = 0
      wire.failure = () => (left-- > 0 ? refusal(status, code, seconds) : undefined)
      const result = await client.sessions()
      t.equal(result.ok, ok, `${status}: ${times} times ${seconds} s`)
      t.equal(wire.sent.length, requests)
      if (!result.ok) t.equal(result.problem.retryAfter, seconds)
    }
    wire.sent.length = 0
    wire.failure = () => refusal(status, code, 0.01)
    t.match(await client.endOtherSessions(), { ok: false, problem: { code } })
    t.match(await client.updateMe({ locale: 'de' }), { ok: false, problem: { code } })
    t.strictSame(wire.sent, ['DELETE /sessions', 'PATCH /me'])
  }
})

t.test('a response that is not a problem document is reported as such', async t => {
  const service = await startApp(t)
  const { email, password } = await confirmedAccount(service)
  const wire = wireTo(service.app)
  const client = clientBy(wire, { timeout: 50 })
  await client.login({ email, password })
  const cases: [response: Response, status: number][] = [
    [new Response('<h1>Bad gateway', { status: 502 }), 502],
    [new Response('{}', { status: 404 }), 404],
    [new Response(null, { status: 500 }), 500],
    [new Response('<p>Welcome to our hotel', { status: 200 }), 0],
  ]
  for (const [response, status] of cases) {
    wire.failure = () => response
    t.match(
      await client.me(),
      { ok: false, problem: { code: 'unexpected_response', status } },
      String(status),
    )
  }
})

t.test('a response that never begins or never ends times out', async t => {
  const begun = () =>
    new Response(new ReadableStream({ start: controller => controller.enqueue(new Uint8Array([123])) }))
  for (const answer of [new Promise<Response>(() => {}), Promise.resolve(begun())]) {
    const client = clientBy(
      {
        ...wireTo(undefined as never),
        fetch: request =>
          Promise.race([
            answer.then(response => withSignal(response, request.signal)),
            new Promise<never>((_, reject) =>
              request.signal.addEventListener('abort', () => reject(new Error('aborted'))),
            ),
          ]),
      },
      { timeout: 20 },
    )
    t.match(await client.checkPasswordReset({ token: 'a.b.c' }), { ok: false, problem: { code: 'timeout' } })
  }
})

/** Like the global `fetch`, whose signal also aborts the body. */
function withSignal(response: Response, signal: AbortSignal): Response {
  const body = response.body?.pipeThrough(new TransformStream(), { signal })
  return new Response(body ?? null, response)
}
