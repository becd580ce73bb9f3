/** Passwords in requests: which are rejected, and how they are compared. */
import t from 'tap'
import { confirmedAccount, post, resetToken, startApp, tokenIn } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { startSmtpServer } from '../../harness/smtp.ts'

const REFUSED: [what: string, password: string][] = [
  ['too short', 'kX9#mQz'],
  ['too long', 'x'.repeat(129)],
  ['NUL', 'a fine password\0'],
  ['half a character', 'a fine password\ud800'],
  ['common', 'PASSWORD1'],
  ['the local part', 'Somebody.Else'],
  ['the name of the service', 'LATCHKEY'],
]

t.test('a password that the policy rejects causes no row, no email and no hash', async t => {
  const { app, smtp, rows } = await startApp(t, { smtp: await startSmtpServer(t) })
  for (const [what, password] of REFUSED) {
    const payload = { email: 'somebody.else@example.org', password }
    const response = await post(app, '/register', payload)
    const { detail, errors } = isProblemOf(t, response, 'password_rejected', what)
    t.match(detail, /password/i, `${what}: says why`)
    t.equal(errors, undefined)
  }
  t.strictSame(await rows.dump(), { users: [], registrations: [], sessions: [], outbox: [] })
  t.equal(smtp.connections(), 0)
})

t.test('a rejected password leaves the reset link and the old password valid', async t => {
  const service = await startApp(t)
  const { app } = service
  const { email, password } = await confirmedAccount(service, 'somebody.else@example.org')
  const token = await resetToken(service, email)
  for (const [what, newPassword] of REFUSED) {
    const payload = { token, newPassword }
    const refused = await post(app, '/password-reset/confirm', payload)
    isProblemOf(t, refused, 'password_rejected', what)
  }
  t.equal((await post(app, '/login', { email, password })).statusCode, 200)
  const newPassword = 'one that is good enough'
  const payload = { token, newPassword }
  t.equal((await post(app, '/password-reset/confirm', payload)).statusCode, 204)
})

t.test('passwords are compared after NFC, without trimming or truncation', async t => {
  const { app, smtp } = await startApp(t)
  const astral = '\u{1f511}'
  const cases: [password: string, same: string[], different: string[]][] = [
    [
      'p\u00e4ssw\u00f6rter',
      ['pa\u0308sswo\u0308rter', 'pa\u0308ssw\u00f6rter'],
      ['passworter', 'P\u00c4SSW\u00d6RTER'],
    ],
    ['pa\u0308sswo\u0308rter', ['p\u00e4ssw\u00f6rter'], []],
    [
      '  leading and trailing  ',
      [],
      ['leading and trailing', '  leading and trailing', '  leading and trailing   '],
    ],
    [astral.repeat(128), [], [astral.repeat(127), astral.repeat(129)]],
    ['x'.repeat(128), [], ['x'.repeat(127), 'x'.repeat(129), 'x'.repeat(1024)]],
    ['replacement \ufffd', [], ['replacement \ud800', 'replacement \udc00']],
    ['nothing ends it', [], ['nothing ends it\0', 'nothing ends it\0\0', '\0nothing ends it']],
    ['o\ufb03ce hours', [], ['office hours']],
    ['zero\u200bwidth', [], ['zerowidth']],
  ]
  let made = 0
  for (const [password, same, different] of cases) {
    const email = `person-${++made}@example.org`
    const name = JSON.stringify(password).slice(0, 40)
    const before = smtp.mails.length
    await post(app, '/register', { email })
    const token = tokenIn((await smtp.waitForMails(before + 1))[before])
    const payload = { token, password: same[0] ?? password }
    t.equal((await post(app, '/confirm-email', payload)).statusCode, 200, name)
    for (const right of [password, ...same]) {
      const logIn = await post(app, '/login', { email, password: right })
      t.equal(logIn.statusCode, 200, `${name}: is ${JSON.stringify(right).slice(0, 40)}`)
    }
    for (const wrong of different) {
      const logIn = await post(app, '/login', { email, password: wrong })
      isProblemOf(t, logIn, 'invalid_credentials', `${name}: is not ${JSON.stringify(wrong).slice(-40)}`)
    }
  }
})

t.test("a password over the policy's maximum is rejected, not truncated", async t => {
  const { app } = await startApp(t)
  const register = (password: string) => post(app, '/register', { email: 'ada@example.org', password })
  isProblemOf(t, await register('x'.repeat(1024)), 'password_rejected', '1024')
  const { errors } = isProblemOf(t, await register('x'.repeat(1025)), 'validation_failed', '1025')
  t.equal(errors?.[0]?.path, '/password')
})

t.test('PASSWORD_MIN_LENGTH applies to new passwords, not to existing ones', async t => {
  const before = await startApp(t)
  const { email, password } = await confirmedAccount(before, 'ada@example.org', 'kX9#mQz!')
  const { app, smtp } = await startApp(t, {
    databaseUrl: before.databaseUrl,
    smtp: before.smtp,
    env: { PASSWORD_MIN_LENGTH: '15' },
  })
  t.equal((await post(app, '/login', { email, password })).statusCode, 200)
  const register = (one: string) => post(app, '/register', { email: 'new@example.org', password: one })
  const { detail } = isProblemOf(t, await register('kX9#mQz!kX9#mQ'), 'password_rejected', '14 characters')
  t.match(detail, /15/)
  t.equal((await register('kX9#mQz!kX9#mQz')).statusCode, 202)
  await smtp.waitForMails(2)
  const token = await resetToken({ app, smtp }, email)
  const payload = { token, newPassword: 'kX9#mQz!kX9#mQ' }
  const reset = await post(app, '/password-reset/confirm', payload)
  isProblemOf(t, reset, 'password_rejected')
})
