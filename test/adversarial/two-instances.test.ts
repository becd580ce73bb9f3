import t from 'tap'
import { confirmedAccount, resetToken, startApp, type TestApp, tokenIn } from '../harness/app.ts'
import { provider } from '../harness/database.ts'
import { codeIn, mailTo, otherThan, withMails } from '../harness/mailbox.ts'
import { openRows } from '../harness/rows.ts'
import { tally } from './tally.ts'

const skip = provider === 'sqlite' && 'a SQLite file is one process alone'
const AT_ONCE = 50
const env = { HASH_QUEUE_TIMEOUT: '60' }

// Two instances on one database and one SMTP server, called alternately.
async function twoInstances(t: Parameters<typeof startApp>[0], more: Record<string, string> = {}) {
  const first = await startApp(t, { env: { ...env, ...more } })
  const { databaseUrl, smtp } = first
  const second = await startApp(t, { databaseUrl, smtp, env: { ...env, ...more } })
  const rows = await openRows(t, databaseUrl)
  const inTurns = <T>(call: (instance: TestApp, index: number) => Promise<T>) =>
    Promise.all(Array.from({ length: AT_ONCE }, (_, index) => call(index % 2 === 0 ? first : second, index)))
  return { first, second, rows, smtp, inTurns }
}

t.test('of 50 resets with one link on two instances exactly one succeeds', { skip }, async t => {
  const { first, second, rows, smtp, inTurns } = await twoInstances(t)
  const { email, password } = await confirmedAccount(first)
  const token = await resetToken(second, email)
  const passwordOf = (index: number) => `password of contender ${index}`
  const answers = await inTurns(({ app }, index) =>
    app.inject({
      method: 'POST',
      url: '/password-reset/confirm',
      payload: { token, newPassword: passwordOf(index) },
    }),
  )
  t.strictSame(tally(answers), { '204': 1, '400 token_spent': AT_ONCE - 1 })
  const winner = answers.findIndex(({ statusCode }) => statusCode === 204)
  const logins = await inTurns(({ app }, index) =>
    app.inject({ method: 'POST', url: '/login', payload: { email, password: passwordOf(index) } }),
  )
  t.strictSame(tally(logins), { '200': 1, '401 invalid_credentials': AT_ONCE - 1 })
  t.equal(logins[winner]?.statusCode, 200)
  const old = await first.app.inject({ method: 'POST', url: '/login', payload: { email, password } })
  t.equal(old.statusCode, 401)
  await rows.settled()
  t.equal(await rows.client.outbox.count({ where: { kind: 'password_changed' } }), 1)
  t.equal(smtp.mails.filter(({ subject }) => /was changed/.test(subject)).length, 1, 'one notice')
  t.equal(smtp.mails.length, 3, 'and both workers together sent no email twice')
})

t.test('of 50 confirmations with one link on two instances one creates the account', { skip }, async t => {
  const { first, rows, smtp, inTurns } = await twoInstances(t)
  const email = 'ada@example.org'
  const password = 'correct horse battery staple'
  await first.app.inject({ method: 'POST', url: '/register', payload: { email, password } })
  const token = tokenIn((await smtp.waitForMails(1))[0])
  const answers = await inTurns(({ app }) =>
    app.inject({ method: 'POST', url: '/confirm-email', payload: { token, password } }),
  )
  t.strictSame(tally(answers), { '200': 1, '400 token_spent': AT_ONCE - 1 })
  t.equal(await rows.client.user.count(), 1)
  t.equal(await rows.client.session.count(), 1)
})

t.test(
  'without grace, of 50 refreshes on two instances one succeeds and the family is revoked',
  { skip },
  async t => {
    const { first, second, rows, inTurns } = await twoInstances(t, { REFRESH_GRACE: '0' })
    const { refreshToken } = await confirmedAccount(first)
    const answers = await inTurns(({ app }) =>
      app.inject({ method: 'POST', url: '/token/refresh', payload: { refreshToken } }),
    )
    t.strictSame(tally(answers), { '200': 1, '401 refresh_token_invalid': AT_ONCE - 1 })
    t.equal(await rows.client.session.count(), 0)
    const { accessToken } = answers.find(({ statusCode }) => statusCode === 200)?.json() ?? {}
    for (const { app } of [first, second]) {
      const me = await app.inject({ url: '/me', headers: { authorization: `Bearer ${accessToken}` } })
      t.equal(me.statusCode, 401)
    }
  },
)

t.test('50 refreshes on two instances agree on one successor', { skip }, async t => {
  const { first, second, rows, inTurns } = await twoInstances(t)
  const { refreshToken } = await confirmedAccount(first)
  const before = await rows.client.session.findFirstOrThrow()
  const answers = await inTurns(({ app }) =>
    app.inject({ method: 'POST', url: '/token/refresh', payload: { refreshToken } }),
  )
  t.strictSame(tally(answers), { '200': AT_ONCE })
  t.equal(new Set(answers.map(answer => answer.json().refreshToken)).size, 1)
  const after = await rows.client.session.findFirstOrThrow()
  t.equal(after.previousRefreshHash, before.refreshHash, 'rotated exactly once')
  const next = await second.app.inject({
    method: 'POST',
    url: '/token/refresh',
    payload: { refreshToken: answers[0]?.json().refreshToken },
  })
  t.equal(next.statusCode, 200)
})

t.test('of 50 registrations without confirmation one creates the account', { skip }, async t => {
  const { rows, inTurns } = await twoInstances(t, { EMAIL_CONFIRMATION: 'off' })
  const email = 'ada@example.org'
  const answers = await inTurns(({ app }, index) =>
    app.inject({
      method: 'POST',
      url: '/register',
      payload: { email, password: `password number ${index}` },
    }),
  )
  t.strictSame(tally(answers), { '201': 1, '409 email_taken': AT_ONCE - 1 })
  t.equal(await rows.client.user.count(), 1)
})

t.test('a session revoked by one instance is refused by the other at once', { skip }, async t => {
  const { first, second } = await twoInstances(t)
  const { accessToken, refreshToken } = await confirmedAccount(first)
  const headers = { authorization: `Bearer ${accessToken}` }
  t.equal((await second.app.inject({ url: '/me', headers })).statusCode, 200)
  t.equal((await first.app.inject({ method: 'POST', url: '/logout', headers })).statusCode, 204)
  t.equal((await second.app.inject({ url: '/me', headers })).statusCode, 401)
  const payload = { refreshToken }
  t.equal((await second.app.inject({ method: 'POST', url: '/token/refresh', payload })).statusCode, 401)
})

t.test('a code works once, on either instance', { skip }, async t => {
  const { first, second, rows, inTurns } = await twoInstances(t)
  const { email } = await confirmedAccount(first)
  const { answer, mails } = await withMails(first, rows, () =>
    second.app.inject({ method: 'POST', url: '/password-reset/request', payload: { email } }),
  )
  const proof = { requestToken: answer.json().requestToken, code: codeIn(mails[0]) }
  const passwordOf = (index: number) => `password of contender ${index}`
  const answers = await inTurns(({ app }, index) =>
    app.inject({
      method: 'POST',
      url: '/password-reset/confirm',
      payload: { ...proof, newPassword: passwordOf(index) },
    }),
  )
  const { '204': won, ...lost } = tally(answers)
  t.equal(won, 1)
  for (const reason of Object.keys(lost)) t.match(reason, /^400 (token_spent|code_invalid)$/)
  const winner = answers.findIndex(({ statusCode }) => statusCode === 204)
  const payload = { email, password: passwordOf(winner) }
  t.equal((await second.app.inject({ method: 'POST', url: '/login', payload })).statusCode, 200)
})

t.test('50 wrong codes on two instances count as 50', { skip }, async t => {
  const { first, rows, inTurns } = await twoInstances(t)
  const { password, accessToken } = await confirmedAccount(first)
  const headers = { authorization: `Bearer ${accessToken}` }
  const { answer, mails } = await withMails(first, rows, () =>
    first.app.inject({
      method: 'POST',
      url: '/password-change/request',
      headers,
      payload: { currentPassword: password },
    }),
  )
  const { changeToken } = answer.json()
  const newPassword = 'a password that nobody had before'
  const payload = { changeToken, code: otherThan(codeIn(mails[0])), newPassword }
  const answers = await inTurns(({ app }) =>
    app.inject({ method: 'POST', url: '/password-change/confirm', headers, payload }),
  )
  t.strictSame(tally(answers), { '400 code_invalid': AT_ONCE })
  t.match(await rows.client.guess.findMany(), [{ count: AT_ONCE }, { count: AT_ONCE }])
})

t.test('of 50 confirmations of a new email on two instances one succeeds', { skip }, async t => {
  const { first, rows, inTurns } = await twoInstances(t)
  const { password, accessToken } = await confirmedAccount(first)
  const newEmail = 'new@example.org'
  const { mails } = await withMails(first, rows, () =>
    first.app.inject({
      method: 'POST',
      url: '/email-change/request',
      headers: { authorization: `Bearer ${accessToken}` },
      payload: { currentPassword: password, newEmail },
    }),
  )
  const payload = { token: tokenIn(mailTo(mails, newEmail, /^Confirm your new/)), password }
  const answers = await inTurns(({ app }) =>
    app.inject({ method: 'POST', url: '/email-change/confirm', payload }),
  )
  t.strictSame(tally(answers), { '204': 1, '400 token_spent': AT_ONCE - 1 })
  t.equal(await rows.client.user.count({ where: { email: newEmail } }), 1)
})
