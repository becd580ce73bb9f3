import { randomUUID } from 'node:crypto'
import t from 'tap'
import { REFRESH_COOKIE } from '../../src/sessions/refresh-cookie.ts'
import { accessKeys } from '../../src/tokens/access-keys.ts'
import { deriveKey } from '../../src/tokens/keys.ts'
import { confirmedAccount, startApp, type TestApp, testEnvironment, tokenIn } from '../harness/app.ts'
import { codeIn, mailTo, withMails } from '../harness/mailbox.ts'
import { invitationTo } from '../harness/operators.ts'
import { openRows, type Rows } from '../harness/rows.ts'
import { claimsOf, forge, forgeSigned } from '../unit/tokens/forge.ts'

const password = 'correct horse battery staple'
const newPassword = 'a password that nobody had before'
const [key] = accessKeys({}, [testEnvironment.JWT_SECRET])

/** All tokens, codes and addresses that exist when a token is tried. */
interface TokenSet {
  tokens: Record<Kind, string>
  changeCode: string
  resetCode: string
  confirmCode: string
  changeEmailCode: string
  email: string
}
type Kind =
  | 'confirm'
  | 'reset'
  | 'reset-request'
  | 'confirm-request'
  | 'invitation'
  | 'email-change-request'
  | 'password-change'
  | 'email-change'
  | 'secure'
  | 'access'
  | 'access of the release before'
  | 'reset under the published key'
  | 'reset-request under the published key'
  | 'refresh'
  | 'id'
  | 'uuid'
  | 'empty'

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** Every endpoint that takes a token: its request, and its response to matching and to other tokens. */
const endpoints = [
  {
    url: '/confirm-email',
    takes: 'confirm',
    call: (token: string, _hand: TokenSet) => ({ method: 'POST', payload: { token, password } }),
    success: 200,
    refusal: [400, 'token_invalid'],
    empty: [400, 'validation_failed'],
  },
  {
    url: '/confirm-email',
    takes: 'confirm-request',
    call: (requestToken: string, { confirmCode }: TokenSet) => ({
      method: 'POST',
      payload: { requestToken, code: confirmCode, password },
    }),
    success: 200,
    refusal: [400, 'token_invalid'],
    empty: [400, 'validation_failed'],
  },
  {
    url: '/invitation/accept',
    takes: 'invitation',
    call: (token: string, _hand: TokenSet) => ({ method: 'POST', payload: { token, password } }),
    success: 200,
    refusal: [400, 'token_invalid'],
    empty: [400, 'validation_failed'],
  },
  {
    url: '/password-reset/check',
    takes: 'reset',
    call: (token: string, _hand: TokenSet) => ({ method: 'POST', payload: { token } }),
    success: 200,
    refusal: [400, 'token_invalid'],
    empty: [400, 'validation_failed'],
  },
  {
    url: '/password-reset/confirm',
    takes: 'reset',
    call: (token: string, _hand: TokenSet) => ({ method: 'POST', payload: { token, newPassword } }),
    success: 204,
    refusal: [400, 'token_invalid'],
    empty: [400, 'validation_failed'],
  },
  {
    url: '/password-reset/confirm',
    takes: 'reset-request',
    call: (requestToken: string, { resetCode }: TokenSet) => ({
      method: 'POST',
      payload: { requestToken, code: resetCode, newPassword },
    }),
    success: 204,
    refusal: [400, 'token_invalid'],
    empty: [400, 'validation_failed'],
  },
  {
    url: '/password-change/confirm',
    takes: 'password-change',
    call: (changeToken: string, { tokens, changeCode }: TokenSet) => ({
      method: 'POST',
      headers: bearer(tokens.access),
      payload: { changeToken, code: changeCode, newPassword },
    }),
    success: 204,
    refusal: [400, 'token_invalid'],
    empty: [400, 'validation_failed'],
  },
  {
    url: '/email-change/confirm',
    takes: 'email-change',
    call: (token: string, _hand: TokenSet) => ({ method: 'POST', payload: { token, password } }),
    success: 204,
    refusal: [400, 'token_invalid'],
    empty: [400, 'validation_failed'],
  },
  {
    url: '/email-change/confirm',
    takes: 'email-change-request',
    call: (requestToken: string, { changeEmailCode }: TokenSet) => ({
      method: 'POST',
      payload: { requestToken, code: changeEmailCode, password },
    }),
    success: 204,
    refusal: [400, 'token_invalid'],
    empty: [400, 'validation_failed'],
  },
  {
    url: '/account/secure',
    takes: 'secure',
    call: (token: string, { email }: TokenSet) => ({ method: 'POST', payload: { token, email } }),
    success: 204,
    refusal: [400, 'token_invalid'],
    empty: [400, 'validation_failed'],
  },
  {
    url: '/token/refresh',
    takes: 'refresh',
    call: (refreshToken: string, _hand: TokenSet) => ({ method: 'POST', payload: { refreshToken } }),
    success: 200,
    refusal: [401, 'refresh_token_invalid'],
    empty: [400, 'validation_failed'],
  },
  {
    url: '/token/refresh',
    takes: 'refresh',
    call: (token: string, _hand: TokenSet) => ({
      method: 'POST',
      headers: { cookie: `${REFRESH_COOKIE}=${token}` },
      payload: { mode: 'cookie' },
    }),
    success: 200,
    refusal: [401, 'refresh_token_invalid'],
    empty: [401, 'refresh_token_invalid'],
  },
  ...(
    [
      ['GET', '/me', undefined, 200],
      ['PATCH', '/me', { locale: 'hr' }, 200],
      ['GET', '/me/events', undefined, 200],
      ['GET', '/me/export', undefined, 200],
      ['GET', '/sessions', undefined, 200],
      ['DELETE', '/sessions', undefined, 204],
      ['DELETE', `/sessions/${randomUUID()}`, undefined, 404],
      ['POST', '/password-change/request', { currentPassword: password }, 202],
      ['POST', '/email-change/request', { currentPassword: password, newEmail: 'another@example.org' }, 202],
      ['POST', '/logout', undefined, 204],
      ['DELETE', '/me', { currentPassword: password }, 204],
    ] as const
  ).map(([method, url, payload, success]) => ({
    url,
    takes: 'access' as const,
    call: (token: string, _hand: TokenSet) => ({
      method,
      headers: bearer(token),
      ...(payload && { payload }),
    }),
    success,
    refusal: [401, 'unauthenticated'],
    empty: [401, 'unauthenticated'],
  })),
] as const

let made = 0

/** The tokens of an account from its emails and its session. */
async function ofAccount(
  service: TestApp,
  rows: Rows,
  { email, accessToken, refreshToken }: { email: string; accessToken: string; refreshToken: string },
) {
  const { app } = service
  const headers = bearer(accessToken)
  const asked = (url: string, payload: object) =>
    withMails(service, rows, () => app.inject({ method: 'POST', url, headers, payload }))
  const reset = await asked('/password-reset/request', { email })
  const change = await asked('/password-change/request', { currentPassword: password })
  const newEmail = `new-${email}`
  const move = await asked('/email-change/request', { currentPassword: password, newEmail })
  return {
    email,
    resetCode: codeIn(reset.mails[0]),
    changeCode: codeIn(change.mails[0]),
    changeEmailCode: codeIn(mailTo(move.mails, newEmail, /^Confirm your new/)),
    tokens: {
      reset: tokenIn(reset.mails[0]),
      'reset-request': reset.answer.json().requestToken as string,
      'email-change-request': move.answer.json().requestToken as string,
      'password-change': change.answer.json().changeToken as string,
      'email-change': tokenIn(mailTo(move.mails, newEmail, /^Confirm your new/)),
      secure: tokenIn(mailTo(move.mails, email, /was requested/)),
      ...{ access: accessToken, refresh: refreshToken },
      ...disguised(accessToken, tokenIn(reset.mails[0]), reset.answer.json().requestToken),
      id: (await app.inject({ url: '/me', headers })).json().id as string,
      ...{ uuid: randomUUID(), empty: '' },
    },
  }
}

/** An access token of the previous release, and claims of emailed tokens signed with the published key. */
function disguised(access: string, reset: string, resetRequest: string) {
  const { sub, sid, iat, exp } = claimsOf(access)
  const claims = { sub, sid, iss: 'latchkey', aud: 'access', iat, exp }
  const header = { alg: 'ES256', typ: 'at+jwt', kid: key.jwk.kid }
  return {
    'access of the release before': forge(claims, deriveKey(testEnvironment.JWT_SECRET, 'access', 'sign')),
    'reset under the published key': forgeSigned(claimsOf(reset), key.privateKey, header),
    'reset-request under the published key': forgeSigned(claimsOf(resetRequest), key.privateKey, header),
  }
}

/** The tokens of an invitation and of a registration. */
function withConfirmation(
  { answer, mails }: Awaited<ReturnType<typeof withMails<{ json(): { requestToken: string } }>>>,
  { tokens, ...rest }: Awaited<ReturnType<typeof ofAccount>>,
  invitation: string,
): TokenSet {
  const confirm = { confirm: tokenIn(mails[0]), 'confirm-request': answer.json().requestToken, invitation }
  return { ...rest, confirmCode: codeIn(mails[0]), tokens: { ...tokens, ...confirm } }
}

/** A confirmation link and an invitation for two addresses; everything else belongs to a third account. */
async function ofRegistrationAndAccount(service: TestApp, rows: Rows): Promise<TokenSet> {
  await rows.settled()
  const account = await confirmedAccount(service, `person-${++made}@example.org`, password)
  const { tokens, ...rest } = await ofAccount(service, rows, account)
  const payload = { email: `pending-${made}@example.org`, password }
  const confirmation = await withMails(service, rows, () =>
    service.app.inject({ method: 'POST', url: '/register', payload }),
  )
  const invitation = tokenIn(await invitationTo(service, rows, `guest-${made}@example.org`))
  return withConfirmation(confirmation, { tokens, ...rest }, invitation)
}

/** All tokens of one account, so that they share id, address and hash. */
async function ofOneAccount(service: TestApp, rows: Rows): Promise<TokenSet> {
  const { app } = service
  const email = `person-${++made}@example.org`
  await app.inject({ method: 'POST', url: '/register', payload: { email, password } })
  const confirmation = await withMails(service, rows, () =>
    app.inject({ method: 'POST', url: '/confirm-email/resend', payload: { email } }),
  )
  const session = await app.inject({ method: 'POST', url: '/login', payload: { email, password } })
  const { accessToken, refreshToken } = session.json()
  const { tokens, ...rest } = await ofAccount(service, rows, { email, accessToken, refreshToken })
  // An invited account has no session, so this account is marked as invited afterwards.
  const user = await rows.client.user.update({ where: { email }, data: { invitedAt: new Date() } })
  const invitation = app.tokens.invitation.mint(user, { email }).token
  return withConfirmation(confirmation, { tokens, ...rest }, invitation)
}

for (const { mode, handOf } of [
  { mode: 'required', handOf: ofRegistrationAndAccount },
  { mode: 'off', handOf: ofOneAccount },
]) {
  t.test(`EMAIL_CONFIRMATION=${mode}: endpoints refuse tokens of other purposes`, async t => {
    const service = await startApp(t, { env: { EMAIL_CONFIRMATION: mode } })
    const rows = await openRows(t, service.databaseUrl)
    const hand = await handOf(service, rows)
    await rows.settled()
    const before = await rows.dump()
    const events = await rows.client.event.count()

    for (const { url, takes, call, refusal, empty } of endpoints) {
      for (const [kind, token] of Object.entries(hand.tokens)) {
        if (kind === takes || (takes === 'access' && kind === 'access of the release before')) continue
        const request = call(token, hand)
        const answer = await service.app.inject({ url, ...request })
        const expected = kind === 'empty' ? empty : refusal
        const name = `${kind} token as ${takes} at ${request.method} ${url}`
        t.strictSame([answer.statusCode, answer.json().code], expected, name)
        t.match(answer.headers['www-authenticate'], expected[0] === 401 ? /^Bearer\b/ : undefined, name)
      }
    }
    t.strictSame(await rows.dump(), before, 'nothing changed')
    t.equal(await rows.client.guess.count(), 0, 'no attempt was counted')
    t.equal(await rows.client.event.count(), events, 'no event was recorded')

    // Most requests use up tokens of others, so each gets a set of its own.
    for (const { url, takes, call, success } of endpoints) {
      const own = await handOf(service, rows)
      const request = call(own.tokens[takes], own)
      const answer = await service.app.inject({ url, ...request })
      t.equal(answer.statusCode, success, `${takes} token at ${request.method} ${url}`)
    }
  })
}

t.test('the table has every endpoint that takes a token', async t => {
  const { app } = await startApp(t)
  const document = (await app.inject('/openapi.json')).json() as {
    paths: Record<string, Record<string, { security?: object[]; requestBody?: object }>>
  }
  const listed = new Set(
    endpoints.map(({ url, call }) => {
      const { method } = call('', { tokens: {} } as TokenSet)
      return `${method} ${url.replace(/[0-9a-f-]{36}$/, '{id}')}`
    }),
  )
  const taking: string[] = []
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, { security, requestBody }] of Object.entries(operations)) {
      const takes =
        security?.some(scheme => 'bearer' in scheme) || /token"/i.test(JSON.stringify(requestBody ?? {}))
      if (takes) taking.push(`${method.toUpperCase()} ${path}`)
    }
  }
  t.ok(taking.length > 10)
  t.strictSame(
    taking.filter(operation => !listed.has(operation)),
    [],
  )
})
