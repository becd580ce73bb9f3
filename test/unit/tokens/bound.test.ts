import t, { type Test } from 'tap'
import { securable } from '../../../src/tokens/fingerprint.ts'
import { startApp, testClock } from '../../harness/app.ts'
import { claimsOf } from './forge.ts'

const ID = '01936f3e-8a77-7c3b-9d0e-4f1f2f0c6a55'
const SESSION = '01936f3e-8a77-7c3b-9d0e-4f1f2f0c6a56'
const REQUEST = '01936f3e-8a77-7c3b-9d0e-4f1f2f0c6a57'
const row = { id: ID, email: 'ada@example.org', passwordHash: '$argon2id$v=19$m=64,t=1,p=1$c2FsdA$aGFzaA' }

async function tokensAt(t: Test) {
  const time = testClock(new Date('2030-01-01T00:00:00Z'))
  const { app } = await startApp(t, { overrides: { clock: time.clock } })
  return { ...time, tokens: app.tokens }
}

const code = (call: () => unknown) => {
  try {
    call()
  } catch (error) {
    return (error as { code?: string }).code
  }
  return undefined
}

t.test('a token returns its claims and contains nothing else', async t => {
  const { tokens } = await tokensAt(t)
  const change = tokens.change.mint(row, { sid: SESSION, jti: REQUEST })
  const verified = tokens.change.verify(change.token)
  t.equal(verified.subject, ID)
  t.match(verified.claims, { sid: SESSION, jti: REQUEST })
  t.strictSame(change.expiresAt, new Date('2030-01-01T00:10:00Z'))
  t.strictSame(verified.expiresAt, change.expiresAt)
  const registered = ['aud', 'exp', 'fp', 'iat', 'iss', 'sub']
  t.strictSame(Object.keys(claimsOf(change.token)).sort(), [...registered, 'jti', 'sid'].sort())
  const email = tokens.changeEmail.mint(row, { email: 'new@example.org' }).token
  t.equal(tokens.changeEmail.verify(email).claims.email, 'new@example.org')
  t.strictSame(Object.keys(claimsOf(email)).sort(), [...registered, 'email'].sort())
  const secure = tokens.secure.mint(row, { notice: 1 }).token
  t.strictSame(Object.keys(claimsOf(secure)).sort(), [...registered, 'notice'].sort())
})

t.test('a token matches the row it was minted for while that row is unchanged', async t => {
  const { tokens } = await tokensAt(t)
  const purposes = {
    confirm: tokens.confirm.verify(tokens.confirm.mint(row, {}).token),
    reset: tokens.reset.verify(tokens.reset.mint(row, {}).token),
    change: tokens.change.verify(tokens.change.mint(row, { sid: SESSION, jti: REQUEST }).token),
    changeEmail: tokens.changeEmail.verify(tokens.changeEmail.mint(row, { email: 'new@example.org' }).token),
    secure: tokens.secure.verify(tokens.secure.mint(row, { notice: 1 }).token),
  }
  for (const [purpose, verified] of Object.entries(purposes)) {
    t.ok(verified.matches({ ...row }), purpose)
    t.notOk(verified.matches({ ...row, id: SESSION }), `${purpose}: another account`)
    t.notOk(verified.matches({ ...row, email: 'other@example.org' }), `${purpose}: another address`)
    t.notOk(verified.matches({ ...row, passwordHash: `${row.passwordHash}x` }), `${purpose}: another hash`)
  }
})

t.test('a token is valid for one purpose only', async t => {
  const { tokens } = await tokensAt(t)
  const minted = {
    confirm: tokens.confirm.mint(row, {}).token,
    reset: tokens.reset.mint(row, {}).token,
    change: tokens.change.mint(row, { sid: SESSION, jti: REQUEST }).token,
    changeEmail: tokens.changeEmail.mint(row, { email: 'new@example.org' }).token,
    secure: tokens.secure.mint(row, { notice: 1 }).token,
    resetRequest: tokens.resetRequest.mint(row.email, {}).token,
    confirmRequest: tokens.confirmRequest.mint(row.email, {}).token,
    changeEmailRequest: tokens.changeEmailRequest.mint(row.email, { account: ID }).token,
  }
  for (const [purpose, token] of Object.entries(minted)) {
    for (const other of Object.keys(minted) as (keyof typeof minted)[]) {
      const expected = purpose === other ? undefined : 'token_invalid'
      t.equal(
        code(() => tokens[other].verify(token)),
        expected,
        `${purpose} as ${other}`,
      )
    }
  }
})

t.test('a reset request token contains the email and the time of the request', async t => {
  const { tokens, advance } = await tokensAt(t)
  const one = tokens.resetRequest.mint('ada@example.org', {})
  const two = tokens.resetRequest.mint('bob@example.org', {})
  t.not(one.requestId, two.requestId)
  t.equal(one.token.length, two.token.length)
  t.strictSame(claimsOf(one.token), {
    sub: one.requestId,
    email: 'ada@example.org',
    iss: 'latchkey',
    aud: 'reset-request',
    iat: 1_893_456_000,
    exp: 1_893_457_800,
  })
  const { token: _token, ...facts } = one
  t.strictSame(tokens.resetRequest.verify(one.token), { ...facts, email: 'ada@example.org', claims: {} })
  advance(1799.999)
  t.equal(
    code(() => tokens.resetRequest.verify(one.token)),
    undefined,
  )
  advance(0.001)
  t.equal(
    code(() => tokens.resetRequest.verify(one.token)),
    'token_expired',
    'without tolerance',
  )
})

t.test('the token of an email change request contains the account', async t => {
  const { tokens } = await tokensAt(t)
  const { token, ...facts } = tokens.changeEmailRequest.mint('new@example.org', { account: ID })
  const expected = { ...facts, email: 'new@example.org', claims: { account: ID } }
  t.strictSame(tokens.changeEmailRequest.verify(token), expected)
  t.strictSame(
    tokens.changeEmailRequest.verify(`<https://example.org/#token=${token}>\n`),
    expected,
    'as pasted',
  )
})

t.test('a "this was not me" link is bound to the account and the address only', async t => {
  t.strictSame(securable({ id: ID }, row.email), securable({ id: ID }, row.email))
  t.notSame(securable({ id: ID }, row.email), securable({ id: ID }, 'other@example.org'))
  t.notSame(securable({ id: ID }, row.email), securable({ id: SESSION }, row.email))
})
