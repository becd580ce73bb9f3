/** Security events: which event each route logs for each outcome. */
import { readFileSync } from 'node:fs'
import type { InjectOptions } from 'fastify'
import t from 'tap'
import { SECURITY_EVENTS } from '../../../src/security-events.ts'
import { bearer, confirmedAccount, startApp, testClock, tokenIn } from '../../harness/app.ts'
import { codeIn, mailTo, otherThan, withMails } from '../../harness/mailbox.ts'
import { onTheWire } from '../../harness/raw-http.ts'

const USER_AGENT = 'HTTPie/3.2.2'
const LEVEL = { info: 30, warn: 40 }
const PASSWORD = 'correct horse battery staple'
const NEW_PASSWORD = 'a staple of correct batteries'

type Line = Record<string, unknown>
interface Pair {
  accessToken: string
  refreshToken: string
}

/** The account and the session of an access token. */
function subjectOf({ accessToken }: Pair): { account: string; session: string } {
  const claims = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString())
  return { account: claims.sub, session: claims.sid }
}

t.test('each route logs the event of each outcome, with account and request', async t => {
  const time = testClock()
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const { app, log, rows } = service
  const faults: string[] = []
  const seen = new Set<string>()
  const asked = new Set<string>()

  /** Sends a request and compares the events of its log lines, and their fields, with the expected ones. */
  async function step(
    options: InjectOptions & { url: string; method?: 'GET' | 'POST' | 'PATCH' | 'DELETE' },
    expected: { events?: string[]; code?: string; account?: string; session?: string },
  ) {
    const method = options.method ?? 'POST'
    const name = `${method} ${options.url} ${expected.code ?? 'succeeds'}`
    const before = log.length
    const headers = { 'user-agent': USER_AGENT, ...options.headers }
    const caused = await withMails(service, rows, () => app.inject({ ...options, method, headers }))
    const { answer } = caused
    asked.add(`${method.toLowerCase()} ${options.url.replace(/(?<=\/sessions\/).+/, '{id}')}`)
    const lines = log.slice(before).filter(line => 'event' in line)
    const events = lines.map(({ event }) => event)
    if (JSON.stringify(events) !== JSON.stringify(expected.events ?? [])) faults.push(`${name}: ${events}`)
    const code = answer.statusCode >= 400 ? answer.json().code : undefined
    if (code !== expected.code) faults.push(`${name}: answered ${code}`)
    const { account, session } = expected
    for (const line of lines) {
      const event = String(line['event']).split(':', 1)[0] as keyof typeof SECURITY_EVENTS
      seen.add(event)
      const [level] = SECURITY_EVENTS[event]
      const facts: Line = {
        level: LEVEL[level],
        method,
        ip: '127.0.0.1',
        userAgent: USER_AGENT,
        code,
        account,
        session,
      }
      facts['requestId'] = answer.headers['x-request-id']
      for (const [field, value] of Object.entries(facts)) {
        if (line[field] !== value) faults.push(`${name}: ${event} has ${field} ${line[field]}`)
      }
    }
    return caused
  }

  // Registration.
  const email = 'ada@example.org'
  const registered = await step({ url: '/register', payload: { email } }, {})
  await step(
    { url: '/register', payload: { email: 'no address' } },
    {
      events: ['input_validation_fail'],
      code: 'validation_failed',
    },
  )
  await step(
    { url: '/register', payload: { email, password: 'password' } },
    {
      events: ['input_validation_fail'],
      code: 'password_rejected',
    },
  )
  await step({ url: '/confirm-email/resend', payload: { email } }, {})
  const token = tokenIn(registered.mails[0])
  await step(
    { url: '/confirm-email', payload: { token: `${token}x`, password: PASSWORD } },
    {
      events: ['authz_fail:,POST /confirm-email'],
      code: 'token_invalid',
    },
  )
  const before = log.length
  const confirmed = await app.inject({
    method: 'POST',
    url: '/confirm-email',
    headers: { 'user-agent': USER_AGENT },
    payload: { token, password: PASSWORD },
  })
  const first: Pair = confirmed.json()
  const { account, session } = subjectOf(first)
  t.match(
    log.slice(before).filter(line => 'event' in line),
    [
      { event: `user_created:${account},${account}`, account, session },
      { event: `authn_login_success:${account}`, account, session },
    ],
    'a confirmation is also the first login',
  )
  seen.add('user_created')
  await step(
    { url: '/confirm-email', payload: { token, password: PASSWORD } },
    {
      events: ['authz_fail:,POST /confirm-email'],
      code: 'token_spent',
    },
  )

  await step(
    { url: '/invitation/accept', payload: { token, password: PASSWORD } },
    { events: ['authz_fail:,POST /invitation/accept'], code: 'token_invalid' },
  )

  // Login.
  await step(
    { url: '/login', payload: { email, password: 'wrong words' } },
    {
      events: [`authn_login_fail:${account}`],
      code: 'invalid_credentials',
      account,
    },
  )
  await step(
    { url: '/login', payload: { email: 'nobody@example.org', password: PASSWORD } },
    {
      events: ['authn_login_fail'],
      code: 'invalid_credentials',
    },
  )
  const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  await step(
    { url: '/login', payload: { email, password: PASSWORD, mode: 'cookie' }, headers: foreign },
    {
      events: ['malicious_cors'],
      code: 'origin_not_allowed',
    },
  )
  for (const [payload, code, type] of [
    ['{', 'malformed_json', 'application/json'],
    ['{}', 'unsupported_media_type', 'text/plain'],
    ['x'.repeat(20_000), 'payload_too_large', 'application/json'],
  ] as const) {
    await step(
      { url: '/login', payload, headers: { 'content-type': type } },
      { events: ['input_validation_fail'], code },
    )
  }
  const logIn = async (password: string) => {
    const from = log.length
    const answer = await app.inject({
      method: 'POST',
      url: '/login',
      headers: { 'user-agent': USER_AGENT },
      payload: { email, password },
    })
    const pair: Pair = answer.json()
    const events = log.slice(from).filter(line => 'event' in line)
    t.match(events, [{ event: `authn_login_success:${account}`, ...subjectOf(pair), userAgent: USER_AGENT }])
    t.equal(events.length, 1)
    seen.add('authn_login_success')
    return pair
  }

  // Sessions.
  const second = await logIn(PASSWORD)
  const own = subjectOf(second)
  const refreshed = await step(
    { url: '/token/refresh', payload: { refreshToken: second.refreshToken } },
    {
      events: [`session_renewed:${account}`],
      ...own,
    },
  )
  await step(
    { url: '/token/refresh', payload: { refreshToken: second.refreshToken } },
    {
      events: [`session_renewed:${account}`],
      ...own,
    },
  )
  await step(
    { url: '/token/refresh', payload: { refreshToken: 'nonsense' } },
    {
      events: ['authz_fail:,POST /token/refresh'],
      code: 'refresh_token_invalid',
    },
  )
  time.advance(60)
  const pair: Pair = refreshed.answer.json()
  await app.inject({ method: 'POST', url: '/token/refresh', payload: { refreshToken: pair.refreshToken } })
  time.advance(60)
  await step(
    { url: '/token/refresh', payload: { refreshToken: pair.refreshToken } },
    {
      events: [`authn_token_reuse:${account}`],
      code: 'refresh_token_invalid',
      ...own,
    },
  )
  await step(
    { url: '/me', method: 'GET', headers: bearer(second) },
    {
      events: [`session_use_after_expire:${account}`],
      code: 'unauthenticated',
      ...own,
    },
  )
  await step({ url: '/me', method: 'GET' }, { events: ['authz_fail:,GET /me'], code: 'unauthenticated' })
  await step({ url: '/me', method: 'GET', headers: bearer(first) }, {})
  await step({ url: '/sessions', method: 'GET', headers: bearer(first) }, {})
  await step({ url: '/me/events', method: 'GET', headers: bearer(first) }, {})
  const third = subjectOf(await logIn(PASSWORD))
  const concerns = { account, session }
  await step(
    { url: `/sessions/${third.session}`, method: 'DELETE', headers: bearer(first) },
    {
      events: [`authn_token_revoked:${account},${third.session}`],
      ...concerns,
    },
  )
  await step(
    { url: `/sessions/${third.session}`, method: 'DELETE', headers: bearer(first) },
    {
      events: [`authz_fail:${account},DELETE /sessions/:id`],
      code: 'not_found',
      ...concerns,
    },
  )
  await step(
    { url: '/sessions', method: 'DELETE', headers: bearer(first) },
    {
      events: [`authn_token_revoked:${account},others`],
      ...concerns,
    },
  )
  const leaving = await logIn(PASSWORD)
  await step(
    { url: '/logout', headers: bearer(leaving) },
    {
      events: [`authn_token_revoked:${account},${subjectOf(leaving).session}`],
      ...subjectOf(leaving),
    },
  )

  // The account.
  await step(
    { url: '/me', method: 'PATCH', headers: bearer(first), payload: { locale: 'en' } },
    {
      events: [`user_updated:${account},${account},locale`],
      ...concerns,
    },
  )
  await step(
    { url: '/me/export', method: 'GET', headers: bearer(first) },
    {
      events: [`sensitive_read:${account},/me/export`],
      ...concerns,
    },
  )
  await step(
    { url: '/me', method: 'DELETE', headers: bearer(first), payload: { currentPassword: 'wrong words' } },
    {
      events: [`authn_login_fail:${account}`],
      code: 'invalid_password',
      ...concerns,
    },
  )

  // The password.
  const asking = { url: '/password-change/request', headers: bearer(first) }
  await step(
    { ...asking, payload: { currentPassword: 'wrong words' } },
    {
      events: [`authn_password_change_fail:${account}`],
      code: 'invalid_password',
      ...concerns,
    },
  )
  const change = await step({ ...asking, payload: { currentPassword: PASSWORD } }, {})
  const { changeToken } = change.answer.json()
  const code = codeIn(change.mails[0])
  const changing = { url: '/password-change/confirm', headers: bearer(first) }
  await step(
    { ...changing, payload: { changeToken, code: otherThan(code), newPassword: NEW_PASSWORD } },
    {
      events: [`authn_password_change_fail:${account}`],
      code: 'code_invalid',
      ...concerns,
    },
  )
  await step(
    { ...changing, payload: { changeToken, code, newPassword: NEW_PASSWORD } },
    {
      events: [`authn_password_change:${account}`],
      ...concerns,
    },
  )
  const reset = await step({ url: '/password-reset/request', payload: { email } }, {})
  const resetting = tokenIn(mailTo(reset.mails, email, /./))
  await step({ url: '/password-reset/check', payload: { token: resetting } }, {})
  await step(
    { url: '/password-reset/check', payload: { token: 'nonsense' } },
    {
      events: ['authz_fail:,POST /password-reset/check'],
      code: 'token_invalid',
    },
  )
  await step(
    { url: '/password-reset/confirm', payload: { token: 'nonsense', newPassword: PASSWORD } },
    {
      events: ['authn_password_change_fail'],
      code: 'token_invalid',
    },
  )
  await step(
    { url: '/password-reset/confirm', payload: { token: resetting, newPassword: PASSWORD } },
    {
      events: [`authn_password_change:${account}`],
      account,
    },
  )

  // The address.
  const last = await logIn(PASSWORD)
  const newEmail = 'countess@example.org'
  const moving = { url: '/email-change/request', headers: bearer(last) }
  await step(
    { ...moving, payload: { currentPassword: 'wrong words', newEmail } },
    {
      events: [`authn_login_fail:${account}`],
      code: 'invalid_password',
      ...subjectOf(last),
    },
  )
  const move = await step({ ...moving, payload: { currentPassword: PASSWORD, newEmail } }, {})
  const link = tokenIn(mailTo(move.mails, newEmail, /./))
  await step(
    { url: '/email-change/confirm', payload: { token: link, password: 'wrong words' } },
    {
      events: [`authn_login_fail:${account}`],
      code: 'invalid_password',
      account,
    },
  )
  const moved = await step(
    { url: '/email-change/confirm', payload: { token: link, password: PASSWORD } },
    {
      events: [`user_updated:${account},${account},email`],
      account,
    },
  )
  const notice = tokenIn(mailTo(moved.mails, email, /./))
  await step(
    { url: '/account/secure', payload: { token: 'nonsense', email } },
    {
      events: ['authz_fail:,POST /account/secure'],
      code: 'token_invalid',
    },
  )
  await step(
    { url: '/account/secure', payload: { token: notice, email } },
    {
      events: [`authn_login_lock:${account},customer`],
      account,
    },
  )
  await step(
    { url: '/account/secure', payload: { token: notice, email } },
    {
      events: [`authz_fail:${account},POST /account/secure`],
      code: 'token_spent',
      account,
    },
  )

  const leaver = await confirmedAccount(service)
  const goes = subjectOf(leaver)
  await step(
    { url: '/me', method: 'DELETE', headers: bearer(leaver), payload: { currentPassword: leaver.password } },
    {
      events: [`user_deleted:${goes.account},${goes.account}`],
      ...goes,
    },
  )

  // Outcomes without a security event.
  await step({ url: '/health/live', method: 'GET' }, {})
  await step({ url: '/health/ready', method: 'GET' }, {})
  await step({ url: '/.well-known/jwks.json', method: 'GET' }, {})
  await step({ url: '/.well-known/oauth-authorization-server', method: 'GET' }, {})
  await step({ url: '/nowhere', method: 'GET' }, { code: 'not_found' })
  await step({ url: '/login', method: 'GET' }, { code: 'method_not_allowed' })

  t.strictSame(faults, [])
  const operations = Object.entries((await app.openapi()).paths ?? {}).flatMap(([path, methods]) =>
    Object.keys(methods ?? {}).map(method => `${method} ${path}`),
  )
  t.strictSame(
    operations.filter(operation => !asked.has(operation)),
    [],
    'every operation has a case',
  )
  const elsewhere = ['excess_rate_limit_exceeded', 'authz_admin']
  t.strictSame([...seen, ...elsewhere].sort(), Object.keys(SECURITY_EVENTS).sort(), 'every event has a case')
  t.notMatch(JSON.stringify(log), /example\.org/, 'no line names an address')
})

t.test(
  'without confirmation an account is created at once, and its confirmation sets the password',
  async t => {
    const service = await startApp(t, { env: { EMAIL_CONFIRMATION: 'off' } })
    const { app, log } = service
    const email = 'ada@example.org'
    const made = await app.inject({
      method: 'POST',
      url: '/register',
      payload: { email, password: PASSWORD },
    })
    const account = made.json().id
    const taken = await app.inject({
      method: 'POST',
      url: '/register',
      payload: { email, password: PASSWORD },
    })
    t.equal(taken.statusCode, 409)
    await app.inject({ method: 'POST', url: '/confirm-email/resend', payload: { email } })
    const token = tokenIn((await service.smtp.waitForMails(1))[0])
    await app.inject({ method: 'POST', url: '/confirm-email', payload: { token, password: NEW_PASSWORD } })
    t.strictSame(
      log.flatMap(({ event }) => event ?? []),
      [
        `user_created:${account},${account}`,
        `authn_password_change:${account}`,
        `authn_login_success:${account}`,
      ],
    )
  },
)

t.test('rate limits and invalid HTTP log events', async t => {
  const { app, log } = await startApp(t, { env: { RATE_LIMIT: 'on', RATE_LIMIT_ALL: '1' } })
  await app.inject('/me')
  await app.inject('/me')
  const events = () => log.filter(({ event }) => event !== undefined)
  t.match(events()[1], {
    event: 'excess_rate_limit_exceeded',
    level: 40,
    code: 'rate_limited',
    path: '/me',
    ip: '127.0.0.1',
  })
  const { exchange } = await onTheWire(app)
  const { answers } = await exchange('NOT HTTP\r\n\r\n')
  t.equal(answers[0]?.statusCode, 400)
  t.match(events()[2], {
    event: 'input_validation_fail',
    code: 'bad_request',
    ip: '127.0.0.1',
    requestId: String,
  })
  t.equal(events().length, 3)
})

t.test('a user agent is logged without addresses and overlong words', async t => {
  const { app, log } = await startApp(t)
  const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJyZXNldCJ9.c2lnbmF0dXJl'
  const cases: [sent: string, logged: string][] = [
    ['curl/8.5.0', 'curl/8.5.0'],
    ['Bot/1.0 (+mailto:ada@example.org)', 'Bot/1.0 (+mailto:[address])'],
    [`Bearer ${jwt}`, 'Bearer [long]'],
    ['x y '.repeat(200), 'x y '.repeat(64)],
  ]
  for (const [sent, logged] of cases) {
    await app.inject({ url: '/me', headers: { 'user-agent': sent } })
    t.equal(log.findLast(({ event }) => event !== undefined)?.['userAgent'], logged)
  }
})

t.test('the documentation lists every event with its level', async t => {
  const page =
    readFileSync(new URL(import.meta.resolve('#root/docs/logging.md')), 'utf8').split(
      '## Security events',
    )[1] ?? ''
  const listed = [...page.matchAll(/^\| `(\w+)[^`]*` \| (info|warn) \|/gm)].map(([, event, level]) => [
    event,
    level,
  ])
  const events = Object.entries(SECURITY_EVENTS).map(([event, [level]]) => [event, level])
  t.strictSame(listed.sort(), events.sort())
})
