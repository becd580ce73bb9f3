/** Security events: which event each route logs for each outcome. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { SECURITY_EVENTS } from '../../../src/security-events.ts'
import { bearer, confirmedAccount, post, startApp, testClock, tokenIn } from '../../harness/app.ts'
import { codeIn, mailTo, otherThan, withMails } from '../../harness/mailbox.ts'
import { onTheWire } from '../../harness/raw-http.ts'
import { claimsOf } from '../../unit/tokens/forge.ts'

const USER_AGENT = 'HTTPie/3.2.2'
const LEVEL = { info: 30, warn: 40 }
const PASSWORD = 'correct horse battery staple'
const NEW_PASSWORD = 'a staple of correct batteries'

type Line = Record<string, unknown>
interface Pair {
  accessToken: string
  refreshToken: string
}

interface Asked {
  body?: object | string
  headers?: object
  /** The session whose access token is sent. */
  by?: Pair
  /** The session that the log names, where no access token is sent. */
  of?: Pair
}

/** Method and path of a request; the event that it logs, if any; the code of its problem, if any. */
type Step = [route: string, asked: Asked, event?: string | undefined, code?: string]

/** The account and the session of an access token. */
function subjectOf({ accessToken }: Pair): { account: string; session: string } {
  const { sub, sid } = claimsOf(accessToken) as { sub: string; sid: string }
  return { account: sub, session: sid }
}

t.test('each route logs the event of each outcome, with account and request', async t => {
  const time = testClock()
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const { app, log, rows } = service
  const faults: string[] = []
  const seen = new Set<string>()
  const asked = new Set<string>()

  /** Sends a request and compares the events of its log lines, and their fields, with the expected ones. */
  async function step(...[route, { body, headers, by, of = by }, event, code]: Step) {
    const [method, url] = route.split(' ') as ['GET', string]
    const name = `${route} ${code ?? 'succeeds'}`
    const before = log.length
    const sent = { 'user-agent': USER_AGENT, ...(by && bearer(by)), ...headers }
    const caused = await withMails(service, rows, () =>
      app.inject({ method, url, headers: sent, ...(body && { payload: body }) }),
    )
    const { answer } = caused
    asked.add(`${method.toLowerCase()} ${url.replace(/(?<=\/sessions\/).+/, '{id}')}`)
    const lines = log.slice(before).filter(line => 'event' in line)
    const events = lines.map(line => line['event'])
    if (JSON.stringify(events) !== JSON.stringify(event ? [event] : [])) faults.push(`${name}: ${events}`)
    const answered = answer.statusCode >= 400 ? answer.json().code : undefined
    if (answered !== code) faults.push(`${name}: answered ${answered}`)
    for (const line of lines) {
      const [kind, about = ''] = String(line['event']).split(':') as [keyof typeof SECURITY_EVENTS, string?]
      seen.add(kind)
      const [level] = SECURITY_EVENTS[kind]
      const facts: Line = {
        level: LEVEL[level],
        method,
        ip: '127.0.0.1',
        userAgent: USER_AGENT,
        code,
        // An event begins with the account that it is about.
        account: about.split(',')[0] || undefined,
        session: of && subjectOf(of).session,
        requestId: answer.headers['x-request-id'],
      }
      for (const [field, value] of Object.entries(facts)) {
        if (line[field] !== value) faults.push(`${name}: ${kind} has ${field} ${line[field]}`)
      }
    }
    return caused
  }

  async function steps(all: Step[]) {
    for (const one of all) await step(...one)
  }

  // Registration.
  const email = 'ada@example.org'
  const registered = await step('POST /register', { body: { email } })
  const token = tokenIn(registered.mails[0])
  const confirm = { token, password: PASSWORD }
  const bent = { ...confirm, token: `${token}x` }
  await steps([
    ['POST /register', { body: { email: 'no address' } }, 'input_validation_fail', 'validation_failed'],
    [
      'POST /register',
      { body: { email, password: 'password' } },
      'input_validation_fail',
      'password_rejected',
    ],
    ['POST /confirm-email/resend', { body: { email } }],
    ['POST /confirm-email', { body: bent }, 'authz_fail:,POST /confirm-email', 'token_invalid'],
  ])
  const before = log.length
  const confirmed = await post(app, '/confirm-email', confirm, { 'user-agent': USER_AGENT })
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
  const refused = `authn_login_fail:${account}`
  const wrong = 'wrong words'
  const other = 'nobody@example.org'
  const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  const inCookie = { email, password: PASSWORD, mode: 'cookie' }
  const json = { 'content-type': 'application/json' }
  const text = { 'content-type': 'text/plain' }
  const large = 'x'.repeat(20_000)
  await steps([
    ['POST /confirm-email', { body: confirm }, 'authz_fail:,POST /confirm-email', 'token_spent'],
    ['POST /invitation/accept', { body: confirm }, 'authz_fail:,POST /invitation/accept', 'token_invalid'],
    // Login.
    ['POST /login', { body: { email, password: wrong } }, refused, 'invalid_credentials'],
    [
      'POST /login',
      { body: { email: other, password: PASSWORD } },
      'authn_login_fail',
      'invalid_credentials',
    ],
    ['POST /login', { body: inCookie, headers: foreign }, 'malicious_cors', 'origin_not_allowed'],
    ['POST /login', { body: '{', headers: json }, 'input_validation_fail', 'malformed_json'],
    ['POST /login', { body: '{}', headers: text }, 'input_validation_fail', 'unsupported_media_type'],
    ['POST /login', { body: large, headers: json }, 'input_validation_fail', 'payload_too_large'],
  ])
  const logIn = async (password: string) => {
    const from = log.length
    const headers = { 'user-agent': USER_AGENT }
    const answer = await post(app, '/login', { email, password }, headers)
    const pair: Pair = answer.json()
    const events = log.slice(from).filter(line => 'event' in line)
    t.match(events, [{ event: `authn_login_success:${account}`, ...subjectOf(pair), userAgent: USER_AGENT }])
    t.equal(events.length, 1)
    seen.add('authn_login_success')
    return pair
  }

  // Sessions.
  const second = await logIn(PASSWORD)
  const renewed = `session_renewed:${account}`
  const refresh = ({ refreshToken }: { refreshToken: string }, event: string, code?: string, of?: Pair) =>
    step('POST /token/refresh', { body: { refreshToken }, ...(of && { of }) }, event, code)
  const refreshed = await refresh(second, renewed, undefined, second)
  await refresh(second, renewed, undefined, second)
  await refresh({ refreshToken: 'nonsense' }, 'authz_fail:,POST /token/refresh', 'refresh_token_invalid')
  time.advance(60)
  const pair: Pair = refreshed.answer.json()
  await post(app, '/token/refresh', { refreshToken: pair.refreshToken })
  time.advance(60)
  await refresh(pair, `authn_token_reuse:${account}`, 'refresh_token_invalid', second)
  await steps([
    ['GET /me', { by: second }, `session_use_after_expire:${account}`, 'unauthenticated'],
    ['GET /me', {}, 'authz_fail:,GET /me', 'unauthenticated'],
    ['GET /me', { by: first }],
    ['GET /sessions', { by: first }],
    ['GET /me/events', { by: first }],
  ])
  const third = subjectOf(await logIn(PASSWORD)).session
  const revoked = `authn_token_revoked:${account}`
  const ending = `DELETE /sessions/${third}`
  await steps([
    [ending, { by: first }, `${revoked},${third}`],
    [ending, { by: first }, `authz_fail:${account},DELETE /sessions/:id`, 'not_found'],
    ['DELETE /sessions', { by: first }, `${revoked},others`],
  ])
  const leaving = await logIn(PASSWORD)
  const changeRefused = `authn_password_change_fail:${account}`
  const updated = `user_updated:${account},${account}`
  const doubtful = { by: first, body: { currentPassword: wrong } }
  await steps([
    ['POST /logout', { by: leaving }, `${revoked},${subjectOf(leaving).session}`],
    // The account.
    ['PATCH /me', { by: first, body: { locale: 'en' } }, `${updated},locale`],
    ['GET /me/export', { by: first }, `sensitive_read:${account},/me/export`],
    ['DELETE /me', doubtful, refused, 'invalid_password'],
    // The password.
    ['POST /password-change/request', doubtful, changeRefused, 'invalid_password'],
  ])
  const asking = { by: first, body: { currentPassword: PASSWORD } }
  const change = await step('POST /password-change/request', asking)
  const code = codeIn(change.mails[0])
  const { changeToken } = change.answer.json()
  const right = { changeToken, code, newPassword: NEW_PASSWORD }
  const guess = { ...right, code: otherThan(code) }
  await step('POST /password-change/confirm', { by: first, body: guess }, changeRefused, 'code_invalid')
  await step('POST /password-change/confirm', { by: first, body: right }, `authn_password_change:${account}`)
  const reset = await step('POST /password-reset/request', { body: { email } })
  const resetting = { token: tokenIn(mailTo(reset.mails, email, /./)) }
  const useless = { token: 'nonsense' }
  const newPassword = PASSWORD
  const confirming = 'POST /password-reset/confirm'
  await steps([
    ['POST /password-reset/check', { body: resetting }],
    [
      'POST /password-reset/check',
      { body: useless },
      'authz_fail:,POST /password-reset/check',
      'token_invalid',
    ],
    [confirming, { body: { ...useless, newPassword } }, 'authn_password_change_fail', 'token_invalid'],
    [confirming, { body: { ...resetting, newPassword } }, `authn_password_change:${account}`],
  ])

  // The address.
  const last = await logIn(PASSWORD)
  const newEmail = 'countess@example.org'
  const asks = (currentPassword: string) => ({ by: last, body: { currentPassword, newEmail } })
  await step('POST /email-change/request', asks(wrong), refused, 'invalid_password')
  const move = await step('POST /email-change/request', asks(PASSWORD))
  const link = tokenIn(mailTo(move.mails, newEmail, /./))
  const opens = (password: string) => ({ body: { token: link, password } })
  await step('POST /email-change/confirm', opens(wrong), refused, 'invalid_password')
  const moved = await step('POST /email-change/confirm', opens(PASSWORD), `${updated},email`)
  const notice = { token: tokenIn(mailTo(moved.mails, email, /./)), email }
  const leaver = await confirmedAccount(service)
  const { account: goes } = subjectOf(leaver)
  const farewell = { by: leaver, body: { currentPassword: leaver.password } }
  await steps([
    [
      'POST /account/secure',
      { body: { ...useless, email } },
      'authz_fail:,POST /account/secure',
      'token_invalid',
    ],
    ['POST /account/secure', { body: notice }, `authn_login_lock:${account},customer`],
    ['POST /account/secure', { body: notice }, `authz_fail:${account},POST /account/secure`, 'token_spent'],
    ['DELETE /me', farewell, `user_deleted:${goes},${goes}`],
    // Outcomes without a security event.
    ['GET /health/live', {}],
    ['GET /health/ready', {}],
    ['GET /.well-known/jwks.json', {}],
    ['GET /.well-known/oauth-authorization-server', {}],
    ['GET /nowhere', {}, undefined, 'not_found'],
    ['GET /login', {}, undefined, 'method_not_allowed'],
  ])

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
    const made = await post(app, '/register', { email, password: PASSWORD })
    const account = made.json().id
    const taken = await post(app, '/register', { email, password: PASSWORD })
    t.equal(taken.statusCode, 409)
    await post(app, '/confirm-email/resend', { email })
    const token = tokenIn((await service.smtp.waitForMails(1))[0])
    await post(app, '/confirm-email', { token, password: NEW_PASSWORD })
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
