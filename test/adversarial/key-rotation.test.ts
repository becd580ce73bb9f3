// A rotation of the signing secret as in docs/deploy.md: add the new secret everywhere, swap the two instance by
// instance, remove the old one. Reset links, codes and refresh tokens have separate tests.
import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import {
  confirmedAccount,
  resetToken,
  startApp,
  type TestApp,
  testEnvironment,
  tokenIn,
} from '../harness/app.ts'
import { codeIn, mailTo, withMails } from '../harness/mailbox.ts'
import { invitationTo } from '../harness/operators.ts'
import { isProblemOf } from '../harness/problem.ts'
import { openRows, type Rows } from '../harness/rows.ts'

const old = testEnvironment.JWT_SECRET
const next = randomBytes(48).toString('base64')
const password = 'correct horse battery staple'
const newPassword = 'a password that nobody had before'

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

interface Call {
  method: 'GET' | 'POST'
  url: string
  payload?: Record<string, string>
  headers?: Record<string, string>
}

/** A pending token: how to use it, the expected result, and the result after its secret was removed. */
interface Outstanding {
  what: string
  call: Call
  success: number
  afterRemoval: 'token_invalid' | 'unauthenticated'
}

/** Everything that a secret signs or derives, each for a separate account. */
async function issueTokens(at: TestApp, rows: Rows): Promise<Outstanding[]> {
  const ask = async (call: Call) => {
    const { answer, mails } = await withMails(at, rows, () => at.app.inject(call))
    if (answer.statusCode >= 300) throw new Error(`${call.url}: ${answer.body}`)
    return { answer, mails }
  }
  const post = (url: string, payload: Record<string, string>, token?: string): Call => ({
    method: 'POST',
    url,
    payload,
    ...(token && { headers: bearer(token) }),
  })

  const email = `new-${randomBytes(6).toString('hex')}@example.org`
  const registered = await ask(post('/register', { email, password }))
  const confirm = tokenIn(mailTo(registered.mails, email, /./))

  const pending = `pending-${email}`
  const waiting = await ask(post('/register', { email: pending }))
  const confirmByCode = {
    requestToken: waiting.answer.json().requestToken,
    code: codeIn(mailTo(waiting.mails, pending, /./)),
  }

  const invitation = tokenIn(await invitationTo(at, rows, `guest-${email}`))
  const reset = await resetToken(at, (await confirmedAccount(at)).email)

  const forgetful = await confirmedAccount(at)
  const requested = await ask(post('/password-reset/request', { email: forgetful.email }))
  const { requestToken } = requested.answer.json()
  const resetCode = codeIn(mailTo(requested.mails, forgetful.email, /reset/i))

  const changing = await confirmedAccount(at)
  const begun = await ask(
    post('/password-change/request', { currentPassword: password }, changing.accessToken),
  )
  const { changeToken } = begun.answer.json()
  const changeCode = codeIn(mailTo(begun.mails, changing.email, /./))

  const moving = await confirmedAccount(at)
  const newEmail = `moved-${randomBytes(6).toString('hex')}@example.org`
  const moved = await ask(
    post('/email-change/request', { currentPassword: password, newEmail }, moving.accessToken),
  )
  const move = tokenIn(mailTo(moved.mails, newEmail, /./))

  const leaving = await confirmedAccount(at)
  const next = `next-${newEmail}`
  const left = await ask(
    post('/email-change/request', { currentPassword: password, newEmail: next }, leaving.accessToken),
  )
  const moveByCode = {
    requestToken: left.answer.json().requestToken,
    code: codeIn(mailTo(left.mails, next, /./)),
  }

  const robbed = await confirmedAccount(at)
  const alarmed = await ask(
    post(
      '/email-change/request',
      { currentPassword: password, newEmail: `x-${newEmail}` },
      robbed.accessToken,
    ),
  )
  const secure = tokenIn(mailTo(alarmed.mails, robbed.email, /./))

  const reader = await confirmedAccount(at)

  const linked = { success: 204, afterRemoval: 'token_invalid' } as const
  return [
    {
      what: 'confirmation link',
      call: post('/confirm-email', { token: confirm, password }),
      ...linked,
      success: 200,
    },
    {
      what: 'confirmation code',
      call: post('/confirm-email', { ...confirmByCode, password }),
      ...linked,
      success: 200,
    },
    {
      what: 'invitation',
      call: post('/invitation/accept', { token: invitation, password }),
      ...linked,
      success: 200,
    },
    {
      what: 'code for a new address',
      call: post('/email-change/confirm', { ...moveByCode, password }),
      ...linked,
    },
    { what: 'reset link', call: post('/password-reset/confirm', { token: reset, newPassword }), ...linked },
    {
      what: 'reset code',
      call: post('/password-reset/confirm', { requestToken, code: resetCode, newPassword }),
      ...linked,
    },
    {
      what: 'code for a change of password',
      call: post(
        '/password-change/confirm',
        { changeToken, code: changeCode, newPassword },
        changing.accessToken,
      ),
      success: 204,
      // The access token becomes invalid with the same secret, so it is checked first.
      afterRemoval: 'unauthenticated',
    },
    {
      what: 'link to a new address',
      call: post('/email-change/confirm', { token: move, password }),
      ...linked,
    },
    {
      what: '"this was not me"',
      call: post('/account/secure', { token: secure, email: robbed.email }),
      ...linked,
    },
    {
      what: 'access token',
      call: { method: 'GET', url: '/me', headers: bearer(reader.accessToken) },
      success: 200,
      afterRemoval: 'unauthenticated',
    },
  ]
}

/** Instances with different secrets on one database and one SMTP server. */
async function startService(t: Test) {
  const first = await startApp(t, { env: { JWT_SECRET: old } })
  const { databaseUrl, smtp } = first
  const rows = await openRows(t, databaseUrl)
  const instance = (env: Record<string, string>) => startApp(t, { databaseUrl, smtp, env })
  return { first, rows, instance }
}

const faults = ({ log }: TestApp) => log.filter(({ level }) => Number(level) >= 50)

t.test('during a secret rotation, each instance accepts the tokens of the other', async t => {
  const { first, rows, instance } = await startService(t)
  await first.app.close()
  // In the middle of the rotation one instance has swapped the secrets. Only one runs at a time, because each sends
  // the emails of both.
  const swapping = { JWT_SECRET: old, JWT_SECRET_PREVIOUS: next }
  const swapped = { JWT_SECRET: next, JWT_SECRET_PREVIOUS: old }
  for (const [one, other, way] of [
    [swapping, swapped, 'old secret at the swapped instance'],
    [swapped, swapping, 'new secret at the other instance'],
  ] as const) {
    const from = await instance(one)
    const outstanding = await issueTokens(from, rows)
    await rows.settled()
    const { refreshToken } = await confirmedAccount(from)
    await from.app.close()

    const to = await instance(other)
    for (const { what, call, success } of outstanding) {
      const answer = await to.app.inject(call)
      t.equal(answer.statusCode, success, `${what}: ${way}`, { body: answer.body })
    }
    const refreshed = await to.app.inject({
      method: 'POST',
      url: '/token/refresh',
      payload: { refreshToken },
    })
    t.equal(refreshed.statusCode, 200, `refresh token: ${way}`)
    await to.app.close()

    const back = await instance(one)
    const headers = bearer(refreshed.json().accessToken)
    const me = await back.app.inject({ method: 'GET', url: '/me', headers })
    t.equal(me.statusCode, 200, `and the pair that it yields goes back: ${way}`)
    await back.app.close()
    t.strictSame([from, to, back].flatMap(faults), [])
  }
})

t.test('removing the old secret voids its tokens and keeps sessions and newer tokens', async t => {
  const { first, rows, instance } = await startService(t)
  const outstanding = await issueTokens(first, rows)
  await rows.settled()
  const session = await confirmedAccount(first)
  const untouched = await confirmedAccount(first)
  await first.app.close()

  const during = await instance({ JWT_SECRET: next, JWT_SECRET_PREVIOUS: old })
  const newer = await issueTokens(during, rows)
  const rotated = await during.app.inject({
    method: 'POST',
    url: '/token/refresh',
    payload: { refreshToken: session.refreshToken },
  })
  await during.app.close()

  const after = await instance({ JWT_SECRET: next })
  const rowsBefore = await rows.dump()
  for (const { what, call, afterRemoval } of outstanding)
    isProblemOf(t, await after.app.inject(call), afterRemoval, what)
  t.strictSame(await rows.dump(), rowsBefore, 'and they had no effect')

  for (const { what, call, success } of newer) {
    const answer = await after.app.inject(call)
    t.equal(answer.statusCode, success, `${what} of the new secret`, { body: answer.body })
  }
  const { accessToken, refreshToken } = rotated.json()
  const me = await after.app.inject({ method: 'GET', url: '/me', headers: bearer(accessToken) })
  t.equal(me.json().email, session.email, 'a session that was refreshed meanwhile stays active')
  for (const [token, what] of [
    [refreshToken, 'a session that was refreshed meanwhile'],
    [untouched.refreshToken, 'a session that was not'],
  ]) {
    const payload = { refreshToken: token }
    const refreshed = await after.app.inject({ method: 'POST', url: '/token/refresh', payload })
    t.equal(refreshed.statusCode, 200, `${what} is refreshed`)
  }
  t.strictSame(faults(after), [])
})
