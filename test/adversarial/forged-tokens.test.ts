import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import t from 'tap'
import { deriveKey } from '../../src/tokens/keys.ts'
import {
  confirmedAccount,
  resetToken,
  startApp,
  type TestApp,
  testClock,
  testEnvironment,
  tokenIn,
} from '../harness/app.ts'
import { codeIn, mailTo, otherThan, withMails } from '../harness/mailbox.ts'
import { invitationTo } from '../harness/operators.ts'
import { openRows, type Rows } from '../harness/rows.ts'
import { claimsOf, encoded, forge } from '../unit/tokens/forge.ts'

const secret = testEnvironment.JWT_SECRET
const password = 'correct horse battery staple'
const newPassword = 'a password that nobody had before'

const PURPOSES = [
  'confirm',
  'invitation',
  'reset',
  'reset-request',
  'confirm-request',
  'email-change-request',
  'password-change',
  'email-change',
  'secure',
  'access',
] as const
type Purpose = (typeof PURPOSES)[number]

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })

/** Forgeries of a genuine token, by fault. */
function forgeries(genuine: string, purpose: Purpose): Record<string, string> {
  const key = deriveKey(secret, purpose, 'sign')
  const claims = claimsOf(genuine)
  const now = claims['iat'] as number
  const [header, body, signature] = genuine.split('.') as [string, string, string]
  const resigned = (changes: Record<string, unknown>) => forge({ ...claims, ...changes }, key)
  const without = (name: string) => resigned({ [name]: undefined })
  const unsigned = (alg: string) => `${encoded({ alg, typ: 'JWT' })}.${body}.`
  const rsaSigned = `${encoded({ alg: 'RS256', typ: 'JWT' })}.${body}`
  const made: Record<string, string> = {
    'alg none, no signature': unsigned('none'),
    'alg None': unsigned('None'),
    'alg nOnE': unsigned('nOnE'),
    'alg none, the old signature': unsigned('none') + signature,
    'alg none, two parts': unsigned('none').slice(0, -1),
    'HS256, no signature': `${header}.${body}.`,
    'no alg': forge(claims, key, { typ: 'JWT' }),
    'HS384 with the right key': forge(claims, key, { alg: 'HS384', typ: 'JWT' }, 'sha384'),
    'HS512 with the right key': forge(claims, key, { alg: 'HS512', typ: 'JWT' }, 'sha512'),
    'HS512 said, HS256 done': forge(claims, key, { alg: 'HS512', typ: 'JWT' }),
    'RS256 said, HS256 done': forge(claims, key, { alg: 'RS256', typ: 'JWT' }),
    'RS256 of a strange key': `${rsaSigned}.${sign('sha256', Buffer.from(rsaSigned), rsa.privateKey).toString('base64url')}`,
    'RS256 key as the HMAC secret': forge(
      claims,
      rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string,
    ),
    'a strange key': forge(claims, randomBytes(32)),
    'an empty key': forge(claims, ''),
    'a strange key, expired': forge({ ...claims, exp: now - 1 }, randomBytes(32)),
    'another audience, expired': resigned({ aud: 'other', exp: 1 }),
    'without what it is bound to, expired': resigned({
      fp: undefined,
      sid: undefined,
      email: undefined,
      exp: 1,
    }),
    'the undivided secret as key': forge(claims, secret),
    'the fingerprint key': forge(claims, deriveKey(secret, purpose, 'fingerprint')),
    'exp 1e300': resigned({ exp: 1e300 }),
    'a life a second too long': resigned({ exp: (claims['exp'] as number) + 1 }),
    'issued a second early': resigned({ iat: now - 1 }),
    'exp as text': resigned({ exp: String(now + 60) }),
    'exp negative': resigned({ exp: -1 }),
    'exp a fraction': resigned({ exp: now + 60.5 }),
    'exp null': resigned({ exp: null }),
    'iat far ahead': resigned({ iat: now + 86_400, exp: now + 90_000 }),
    'iat as text': resigned({ iat: String(now) }),
    'iat negative': resigned({ iat: -1 }),
    'sub a number': resigned({ sub: 42 }),
    'sub empty': resigned({ sub: '' }),
    'sub a list': resigned({ sub: [claims['sub']] }),
    'sub an object': resigned({ sub: { contains: '' } }),
    'aud wrong': resigned({ aud: 'other' }),
    'aud a list': resigned({ aud: [purpose] }),
    'iss wrong': resigned({ iss: 'somebody' }),
    'claims not an object': forge('text', key),
    'claims null': forge(null, key),
    'claims a list': forge([claims], key),
    'header part alone': header,
    'header and a dot': `${header}.`,
    'header and claims': `${header}.${body}`,
    'without header': `${body}.${signature}`,
    'only dots': '..',
    'a fourth part': `${genuine}.${signature}`,
    'one character short': genuine.slice(0, -1),
    'half a signature': `${header}.${body}.${signature.slice(0, 20)}`,
    'padding behind': `${genuine}=`,
    'another token behind': `${genuine} ${genuine}`,
    'words behind': `${genuine} works once`,
    'not a token': 'not a token',
    'NUL behind': `${genuine}\0`,
    emoji: '🔑.🔑.🔑',
  }
  for (const name of Object.keys(claims)) {
    made[`without ${name}`] = without(name)
    // Signed for other claims, as far as that is possible without the key.
    const edited = { ...claims, [name]: typeof claims[name] === 'number' ? now + 999_999 : 'edited' }
    made[`${name} edited`] = `${header}.${encoded(edited)}.${signature}`
  }
  // Links of the previous release contain no address. Delete this with the legacy registrations.
  if (purpose === 'confirm') delete made['without email']
  // Pasted tokens are cleaned (pasted.ts); bearer tokens are sent by programs and are not.
  if (purpose === 'access') {
    made['a space behind'] = `${genuine} `
    made['a line break behind'] = `${genuine}\n`
    made['a space within'] = `${header}. ${body}.${signature}`
    made['in quotes'] = `"${genuine}"`
    made['in a link'] = `https://example.org/#token=${genuine}`
  }
  for (const name of ['fp', 'email', 'sid', 'jti', 'account'].filter(name => name in claims)) {
    made[`${name} a number`] = resigned({ [name]: 1 })
    made[`${name} empty`] = resigned({ [name]: '' })
    made[`${name} null`] = resigned({ [name]: null })
    made[`${name} a list`] = resigned({ [name]: [claims[name]] })
    made[`${name} too long`] = resigned({ [name]: `${claims[name]}`.padEnd(300, 'x') })
    if (name !== 'email') made[`${name} short`] = resigned({ [name]: 'short' })
  }
  if (purpose === 'access') {
    made['sid unknown'] = resigned({ sid: crypto.randomUUID() })
    made['sub of somebody else'] = resigned({ sub: crypto.randomUUID() })
  }
  for (const other of [...PURPOSES, 'refresh'] as const) {
    if (other !== purpose) made[`key of ${other}`] = forge(claims, deriveKey(secret, other, 'sign'))
  }
  return made
}

/** The links of a pending registration and an invitation, and all tokens of an account, with their companion values. */
async function genuineTokens(service: TestApp, rows: Rows) {
  const { app } = service
  const account = await confirmedAccount(service)
  const { email } = account
  const headers = { authorization: `Bearer ${account.accessToken}` }
  const asked = (url: string, payload: object) =>
    withMails(service, rows, () => app.inject({ method: 'POST', url, headers, payload }))
  const reset = await asked('/password-reset/request', { email })
  const change = await asked('/password-change/request', { currentPassword: password })
  const move = await asked('/email-change/request', {
    currentPassword: password,
    newEmail: `new-${email}`,
  })
  const pending = await asked('/register', { email: `next-${email}`, password })
  return {
    ...account,
    resetCode: codeIn(mailTo(reset.mails, email, /./)),
    changeCode: codeIn(mailTo(change.mails, email, /./)),
    confirmCode: codeIn(pending.mails[0]),
    changeEmailCode: codeIn(mailTo(move.mails, `new-${email}`, /./)),
    confirm: tokenIn(pending.mails[0]),
    invitation: tokenIn(await invitationTo(service, rows, `guest-${email}`)),
    reset: tokenIn(mailTo(reset.mails, email, /./)),
    'reset-request': reset.answer.json().requestToken as string,
    'confirm-request': pending.answer.json().requestToken as string,
    'email-change-request': move.answer.json().requestToken as string,
    'password-change': change.answer.json().changeToken as string,
    'email-change': tokenIn(mailTo(move.mails, `new-${email}`, /^Confirm your new/)),
    secure: tokenIn(mailTo(move.mails, email, /was requested/)),
    access: account.accessToken,
  }
}
type Genuine = Awaited<ReturnType<typeof genuineTokens>>

const me = ({ app }: TestApp, token: string) =>
  app.inject({ url: '/me', headers: { authorization: `Bearer ${token}` } })
const logout = ({ app }: TestApp, token: string) =>
  app.inject({ method: 'POST', url: '/logout', headers: { authorization: `Bearer ${token}` } })
const confirm = ({ app }: TestApp, token: string) =>
  app.inject({ method: 'POST', url: '/confirm-email', payload: { token, password } })
const accept = ({ app }: TestApp, token: string) =>
  app.inject({ method: 'POST', url: '/invitation/accept', payload: { token, password } })
const check = ({ app }: TestApp, token: string) =>
  app.inject({ method: 'POST', url: '/password-reset/check', payload: { token } })
const reset = ({ app }: TestApp, token: string) =>
  app.inject({ method: 'POST', url: '/password-reset/confirm', payload: { token, newPassword } })

const resetByCode = ({ app }: TestApp, requestToken: string, { resetCode }: Genuine) =>
  app.inject({
    method: 'POST',
    url: '/password-reset/confirm',
    payload: { requestToken, code: resetCode, newPassword },
  })
const confirmByCode = ({ app }: TestApp, requestToken: string, { confirmCode }: Genuine) =>
  app.inject({
    method: 'POST',
    url: '/confirm-email',
    payload: { requestToken, code: confirmCode, password },
  })
const changeEmailByCode = ({ app }: TestApp, requestToken: string, { changeEmailCode }: Genuine) =>
  app.inject({
    method: 'POST',
    url: '/email-change/confirm',
    payload: { requestToken, code: changeEmailCode, password },
  })
const change = ({ app }: TestApp, changeToken: string, { accessToken, changeCode }: Genuine) =>
  app.inject({
    method: 'POST',
    url: '/password-change/confirm',
    headers: { authorization: `Bearer ${accessToken}` },
    payload: { changeToken, code: changeCode, newPassword },
  })
const changeEmail = ({ app }: TestApp, token: string) =>
  app.inject({ method: 'POST', url: '/email-change/confirm', payload: { token, password } })
const secure = ({ app }: TestApp, token: string, { email }: Genuine) =>
  app.inject({ method: 'POST', url: '/account/secure', payload: { token, email } })

type Call = (service: TestApp, token: string, hand: Genuine) => ReturnType<typeof me>

const REFUSALS: [purpose: Purpose, what: string, calls: Call[], refusal: string][] = [
  ['reset', 'reset link', [check, reset], '400 token_invalid'],
  ['confirm', 'confirmation link', [confirm], '400 token_invalid'],
  ['invitation', 'invitation', [accept], '400 token_invalid'],
  ['reset-request', 'request for a reset', [resetByCode], '400 token_invalid'],
  ['confirm-request', 'request for a confirmation mail', [confirmByCode], '400 token_invalid'],
  ['email-change-request', 'request for another address', [changeEmailByCode], '400 token_invalid'],
  ['password-change', 'change token', [change], '400 token_invalid'],
  ['email-change', 'link to a new address', [changeEmail], '400 token_invalid'],
  ['secure', '"this was not me" link', [secure], '400 token_invalid'],
  ['access', 'access token', [me, logout], '401 unauthenticated'],
]

t.test('every forged token is refused', async t => {
  // Access tokens of ES256 are forged in forged-access-tokens.test.ts.
  const service = await startApp(t, { env: { ACCESS_TOKEN_ALG: 'HS256' } })
  const rows = await openRows(t, service.databaseUrl)
  const verified = Object.values(service.app.tokens).filter(tokens => 'verify' in tokens)
  t.equal(REFUSALS.length, verified.length, 'the tokens of every purpose are forged')
  for (const [purpose, what, calls, refusal] of REFUSALS) {
    await t.test(`a forged ${what} is refused`, async t => {
      const hand = await genuineTokens(service, rows)
      const genuine = hand[purpose]
      await rows.settled()
      const before = await rows.dump()
      const tries = await rows.client.guess.findMany()
      const answers: Record<string, string> = {}
      const repeated: string[] = []
      const forged = Object.entries(forgeries(genuine, purpose))
      for (const [fault, token] of forged) {
        for (const [i, call] of calls.entries()) {
          const answer = await call(service, token, hand)
          answers[`${fault}, call ${i + 1}`] = `${answer.statusCode} ${answer.json().code}`
          if (answer.body.includes(token)) repeated.push(fault)
        }
      }
      t.ok(forged.length > 60)
      t.strictSame(answers, Object.fromEntries(Object.keys(answers).map(fault => [fault, refusal])))
      t.strictSame(repeated, [], 'no response repeats the token')
      t.strictSame(await rows.dump(), before, 'nothing changed')
      t.strictSame(await rows.client.guess.findMany(), tries, 'no attempt was counted')
      for (const call of calls) {
        t.ok((await call(service, genuine, hand)).statusCode < 300, 'the genuine one works')
      }
      t.notOk(JSON.stringify(service.log).includes(genuine), 'no token in the log')
    })
  }
})

t.test('a token of any length is refused without an internal error', async t => {
  const service = await startApp(t)
  const { app } = service
  const body = 'e30'.repeat(1400)
  for (const [call, status, code] of [
    [check, 400, 'token_invalid'],
    [confirm, 400, 'token_invalid'],
    [me, 401, 'unauthenticated'],
  ] as const) {
    for (const [length, token] of [
      [4096, `e30.${body}`.slice(0, 4093).concat('.e3')],
      [4097, `e30.${body}`.slice(0, 4097)],
      [1_048_576, 'a.b.'.padEnd(1_048_576, 'c')],
    ] as const) {
      const answer = await call(service, token)
      const expected =
        status === 401 || length <= 4096
          ? [status, code]
          : length === 4097
            ? [400, 'validation_failed']
            : [413, 'payload_too_large']
      t.strictSame([answer.statusCode, answer.json().code], expected, `${length} characters`)
    }
  }
  const refreshToken = 'a'.repeat(1_048_576)
  const refresh = await app.inject({ method: 'POST', url: '/token/refresh', payload: { refreshToken } })
  t.equal(refresh.statusCode, 413)
})

for (const { fate, happen } of [
  {
    fate: 'was deleted',
    happen: (rows: Rows, email: string) => rows.client.user.delete({ where: { email } }),
  },
  {
    fate: 'was disabled',
    happen: (rows: Rows, email: string) =>
      rows.client.user.update({ where: { email }, data: { disabledAt: new Date() } }),
  },
  {
    fate: 'has another address now',
    happen: (rows: Rows, email: string) =>
      rows.client.user.update({ where: { email }, data: { email: 'other@example.org' } }),
  },
]) {
  t.test(`the reset link of an account that ${fate} is spent`, async t => {
    const service = await startApp(t)
    const rows = await openRows(t, service.databaseUrl)
    const { email } = await confirmedAccount(service)
    const token = await resetToken(service, email)
    t.equal((await check(service, token)).statusCode, 200)
    await rows.settled()
    await happen(rows, email)
    const before = await rows.dump()
    for (const call of [check, reset]) {
      const answer = await call(service, token)
      t.strictSame([answer.statusCode, answer.json().code], [400, 'token_spent'])
    }
    t.strictSame(await rows.dump(), before)
  })
}

t.test('a signed token with another fingerprint is spent', async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  const tokens = await genuineTokens(service, rows)
  for (const [purpose, call] of [
    ['reset', reset],
    ['confirm', confirm],
    ['invitation', accept],
    ['password-change', change],
    ['email-change', changeEmail],
    ['secure', secure],
  ] as const) {
    const claims = { ...claimsOf(tokens[purpose]), fp: randomBytes(16).toString('base64url') }
    const answer = await call(service, forge(claims, deriveKey(secret, purpose, 'sign')), tokens)
    t.strictSame([answer.statusCode, answer.json().code], [400, 'token_spent'], purpose)
  }
  t.equal(await rows.client.guess.count(), 0)
})

t.test('a token expires on the second', async t => {
  const time = testClock(new Date('2030-01-01T00:00:00Z'))
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const tokens = await genuineTokens(service, await openRows(t, service.databaseUrl))
  const lives = {
    'password-change': 600,
    access: 900,
    reset: 1800,
    'reset-request': 1800,
    'email-change': 86_400,
    confirm: 86_400,
    'confirm-request': 86_400,
    'email-change-request': 86_400,
    invitation: 604_800,
    secure: 604_800,
  }
  for (const [purpose, life] of Object.entries(lives)) {
    const { iat, exp } = claimsOf(tokens[purpose as Purpose])
    t.equal((exp as number) - (iat as number), life)
  }

  time.advance(599.999)
  const wrong = otherThan(tokens.changeCode)
  const early = await change(service, tokens['password-change'], { ...tokens, changeCode: wrong })
  t.equal(early.json().code, 'code_invalid', 'alive')
  time.advance(0.001)
  t.equal((await change(service, tokens['password-change'], tokens)).json().code, 'token_expired')
  time.advance(-600)

  time.advance(899.999)
  t.equal((await me(service, tokens.access)).statusCode, 200)
  time.advance(0.001)
  t.strictSame((await me(service, tokens.access)).json().code, 'unauthenticated')

  time.advance(1799 - 900)
  t.equal((await check(service, tokens.reset)).json().expiresAt, '2030-01-01T00:30:00.000Z')
  time.advance(0.999)
  t.equal((await check(service, tokens.reset)).statusCode, 200)
  time.advance(0.001)
  for (const call of [check, reset]) {
    t.strictSame((await call(service, tokens.reset)).json().code, 'token_expired', 'exactly at exp')
  }
  t.equal((await resetByCode(service, tokens['reset-request'], tokens)).json().code, 'token_expired')

  const signed = (changes: object) =>
    forge({ ...claimsOf(tokens.confirm), ...changes }, deriveKey(secret, 'confirm', 'sign'))
  const now = Math.floor(time.clock().getTime() / 1000)
  t.equal((await confirm(service, signed({ iat: now + 31 }))).json().code, 'token_invalid')
  t.equal((await confirm(service, signed({ exp: now }))).json().code, 'token_expired')
  // A clock that is 30 s ahead is tolerated. This case confirms the account, so it is the last one.
  t.equal((await confirm(service, signed({ iat: now + 30, exp: now + 1 }))).statusCode, 200)

  time.advance(604_800 - 1800)
  t.equal((await changeEmail(service, tokens['email-change'])).json().code, 'token_expired')
  for (const call of [confirmByCode, changeEmailByCode]) {
    const purpose = call === confirmByCode ? 'confirm-request' : 'email-change-request'
    t.equal((await call(service, tokens[purpose], tokens)).json().code, 'token_expired', purpose)
  }
  t.equal((await accept(service, tokens.invitation)).json().code, 'token_expired')
  t.equal((await secure(service, tokens.secure, tokens)).json().code, 'token_expired')
  time.advance(-0.001)
  t.equal((await accept(service, tokens.invitation)).statusCode, 200)
  t.equal((await secure(service, tokens.secure, tokens)).statusCode, 204)
})
