import t from 'tap'
import {
  type Account,
  bearer,
  confirmedAccount,
  post,
  startApp,
  type TestApp,
  testClock,
  tokenIn,
} from '../../harness/app.ts'
import { countHashes } from '../../harness/hash-count.ts'
import { codeIn, mailTo, withMails } from '../../harness/mailbox.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { recordQueries } from '../../harness/queries.ts'
import { until } from '../../harness/until.ts'
import { visible } from '../../harness/visible.ts'

const PASSWORD = 'correct horse battery staple'
const CONFIRM = /^Confirm your new email address/
const REQUESTED = /^A new email address was requested/
const CHANGED = /^Your email address .* was changed/

type Bearer = Pick<Account, 'accessToken' | 'password'>

const ask = ({ app }: Pick<TestApp, 'app'>, { accessToken, password }: Bearer, newEmail: string) =>
  post(app, '/email-change/request', { currentPassword: password, newEmail }, bearer(accessToken))

const confirm = ({ app }: Pick<TestApp, 'app'>, token: string, password = PASSWORD) =>
  post(app, '/email-change/confirm', { token, password })

const login = ({ app }: Pick<TestApp, 'app'>, email: string, password = PASSWORD) =>
  post(app, '/login', { email, password })

const me = async ({ app }: Pick<TestApp, 'app'>, { accessToken }: Pick<Bearer, 'accessToken'>) =>
  app.inject({ url: '/me', headers: bearer(accessToken) })

/** An account, created when no email of another is pending that could be confused with its own. */
async function account(service: TestApp, email?: string) {
  await service.rows.settled()
  return confirmedAccount(service, email, PASSWORD)
}

/** The token of the link that is sent to the new address. */
async function link(service: TestApp, bearer: Bearer, newEmail: string): Promise<string> {
  const { mails } = await withMails(service, service.rows, () => ask(service, bearer, newEmail))
  return tokenIn(mailTo(mails, newEmail, CONFIRM))
}

t.test('the link to the new email and the password change the email', async t => {
  const time = testClock(new Date('2030-01-01T00:00:00Z'))
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const ada = await account(service, 'ada@example.org')
  const stranger = await account(service)
  time.advance(60)
  const asked = await withMails(service, service.rows, () => ask(service, ada, 'ada@example.net'))
  t.equal(asked.answer.statusCode, 202)
  t.match(asked.answer.json(), { status: 'confirmation_sent', requestToken: /^eyJ/ })
  t.equal(asked.answer.headers['cache-control'], 'no-store')
  t.equal(asked.mails.length, 2)
  const [toNew, toOld] = [
    mailTo(asked.mails, 'ada@example.net', CONFIRM),
    mailTo(asked.mails, 'ada@example.org', REQUESTED),
  ]
  t.strictSame(toNew?.to, ['ada@example.net'])
  t.strictSame(toOld?.to, ['ada@example.org'])
  t.match(toOld?.text, /ada@example\.net/, 'the notice says which address')
  t.notMatch(
    toNew?.raw,
    /ada@example\.org/,
    'the new mailbox may belong to somebody else, so the email has no other address',
  )
  const token = tokenIn(toNew)
  t.notOk(toOld?.raw.includes(token), 'the old mailbox does not get the link')
  t.equal((await me(service, ada)).json().email, 'ada@example.org', 'nothing has changed yet')
  t.equal((await login(service, 'ada@example.net')).statusCode, 401)

  time.advance(60)
  const done = await withMails(service, service.rows, () => confirm(service, token))
  t.strictSame([done.answer.statusCode, done.answer.body], [204, ''])
  const after = await me(service, ada)
  t.equal(after.statusCode, 200, 'the access token stays valid')
  t.match(after.json(), {
    email: 'ada@example.net',
    emailConfirmedAt: '2030-01-01T00:02:00.000Z',
    passwordChangedAt: '2030-01-01T00:00:00.000Z',
  })
  const payload = { refreshToken: ada.refreshToken }
  const refreshed = await post(service.app, '/token/refresh', payload)
  t.equal(refreshed.statusCode, 200, 'the session stays active')
  isProblemOf(t, await login(service, 'ada@example.org'), 'invalid_credentials')
  t.equal((await login(service, 'ada@example.net')).statusCode, 200)
  t.equal(done.mails.length, 1)
  t.strictSame(done.mails[0]?.to, ['ada@example.org'], 'the old address gets a notice')
  t.match(done.mails[0]?.subject, CHANGED)
  t.match(done.mails[0]?.text, /ada@example\.net/)
  t.equal((await me(service, stranger)).json().email, stranger.email)
  t.equal(await service.rows.client.event.count({ where: { kind: 'email_changed' } }), 1)
})

t.test(
  'the response is the same for a new address that is free, taken, pending or the current one',
  async t => {
    const service = await startApp(t)
    const { app, rows, smtp } = service
    const ada = await account(service, 'adaaa@example.org')
    await account(service, 'taken@example.org')
    await account(service, 'disab@example.org')
    await rows.disable('disab@example.org')
    const pending = { email: 'pendi@example.org', password: 'the words of another person' }
    await post(app, '/register', pending)
    await rows.settled()
    const recorded = recordQueries(app)
    const { wake } = app.mail
    const hashes = countHashes(t)
    const seen: Record<string, unknown> = {}
    const gets: Record<string, RegExp[]> = {
      'freee@example.org': [CONFIRM],
      'pendi@example.org': [CONFIRM],
      'taken@example.org': [],
      'disab@example.org': [],
      'adaaa@example.org': [],
      'ADAAA@Example.ORG': [],
    }
    for (const [newEmail, subjects] of Object.entries(gets)) {
      // The worker's reads after the response differ; hiding them is the purpose of the outbox.
      app.mail.wake = () => {}
      const [count, before] = [hashes(), smtp.mails.length]
      const { answer, queries } = await recorded(() => ask(service, ada, newEmail))
      seen[newEmail] = { ...visible(answer), hashes: hashes() - count, queries }
      app.mail.wake = wake
      app.mail.wake()
      await rows.settled()
      const mails = smtp.mails.slice(before)
      const notices = mails.filter(({ subject }) => REQUESTED.test(subject))
      t.strictSame(
        notices.map(({ to }) => to),
        [[ada.email]],
        `${newEmail}: the notice goes to the old address`,
      )
      const others = mails.filter(mail => !notices.includes(mail))
      t.equal(others.length, subjects.length, `${newEmail}: mails to it`)
      for (const [i, subject] of subjects.entries()) {
        t.match(others[i]?.subject, subject)
        t.strictSame(others[i]?.to, [newEmail])
      }
    }
    for (const [newEmail, facts] of Object.entries(seen)) {
      t.strictSame(facts, seen['freee@example.org'], `${newEmail} as a free one`)
    }
    t.match(seen['freee@example.org'], {
      status: 202,
      hashes: 1,
      queries: ['users.findBearer', 'users.findById', 'users.isFamiliarNetwork', 'outbox.enqueueAll'],
    })
  },
)

t.test('the link without the password is useless to the owner of a mistyped email', async t => {
  const service = await startApp(t)
  const { app, rows } = service
  const ada = await account(service)
  const token = await link(service, ada, 'stranger@example.net')
  const before = await rows.dump()
  isProblemOf(t, await confirm(service, token, 'a guess at the password'), 'invalid_password')
  isProblemOf(t, await confirm(service, token, ''), 'validation_failed')
  const bare = await post(app, '/email-change/confirm', { token })
  isProblemOf(t, bare, 'validation_failed')
  const newPassword = 'a password that nobody had before'
  for (const [url, payload] of [
    ['/password-reset/confirm', { token, newPassword }],
    ['/password-reset/check', { token }],
    ['/confirm-email', { token, password: newPassword }],
    ['/account/secure', { token, email: 'stranger@example.net' }],
  ] as const) {
    isProblemOf(t, await post(app, url, payload), 'token_invalid', url)
  }
  for (const method of ['GET', 'HEAD'] as const) {
    const opened = await app.inject({ method, url: `/email-change/confirm?token=${token}` })
    t.equal(opened.statusCode, 405)
  }
  const asked = await withMails(service, rows, () =>
    post(app, '/password-reset/request', { email: 'stranger@example.net' }),
  )
  t.equal(asked.mails.length, 0, 'no reset link goes there')
  const after = await rows.dump()
  t.strictSame({ ...after, outbox: [] }, { ...before, outbox: [] }, 'nothing changed')
  t.notOk(JSON.stringify(service.log).includes(token), 'no token in the log')
  t.equal((await confirm(service, token)).statusCode, 204, 'the right password is accepted')
})

t.test('wrong passwords with a link count like failed logins', async t => {
  const unlimited = await startApp(t)
  const { databaseUrl, smtp } = unlimited
  const ada = await account(unlimited)
  const token = await link(unlimited, ada, 'stranger@example.net')
  const limited = await startApp(t, { databaseUrl, smtp, env: { RATE_LIMIT: 'on' } })
  for (let tries = 0; tries < 3; tries++) {
    isProblemOf(t, await confirm(limited, token, 'a guess at the password'), 'invalid_password')
  }
  for (let tries = 0; tries < 2; tries++) {
    isProblemOf(t, await login(limited, ada.email, 'a guess at the password'), 'invalid_credentials')
  }
  isProblemOf(t, await confirm(limited, token), 'rate_limited')
  isProblemOf(t, await login(limited, ada.email), 'rate_limited')
})

t.test('a request requires the current password', async t => {
  const service = await startApp(t)
  const ada = await account(service)
  await service.rows.settled()
  const before = await service.rows.dump()
  const wrong = await ask(service, { ...ada, password: 'not the password' }, 'ada@example.net')
  isProblemOf(t, wrong, 'invalid_password')
  isProblemOf(t, await ask(service, { ...ada, accessToken: 'a.b.c' }, 'ada@example.net'), 'unauthenticated')
  for (const newEmail of ['', 'nonsense', 'a@b.co, evil@x.co', 'Ada <ada@example.net>', 'ada@localhost']) {
    const refused = await ask(service, ada, newEmail)
    isProblemOf(t, refused, 'validation_failed', newEmail)
    t.match(refused.json().errors, [{ path: '/newEmail' }])
  }
  t.strictSame(await service.rows.dump(), before)
})

t.test('an email that was taken in the meantime is a conflict and changes nothing', async t => {
  const service = await startApp(t)
  const ada = await account(service)
  const token = await link(service, ada, 'wanted@example.org')
  const other = await account(service, 'wanted@example.org')
  await service.rows.settled()
  const before = await service.rows.dump()
  const events = await service.rows.client.event.count()
  isProblemOf(
    t,
    await confirm(service, token, 'a guess at the password'),
    'invalid_password',
    'no other notice',
  )
  isProblemOf(t, await confirm(service, token), 'email_taken')
  await service.rows.settled()
  t.strictSame(await service.rows.dump(), before)
  t.equal(await service.rows.client.event.count(), events)
  t.equal((await me(service, ada)).json().email, ada.email)
  t.equal((await me(service, other)).json().email, other.email)
  await service.rows.client.user.delete({ where: { email: other.email } })
  t.equal((await confirm(service, token)).statusCode, 204, 'which does not use up the link')
})

t.test(
  'a change voids every pending link and code, also once the account has its old email again',
  async t => {
    const service = await startApp(t)
    const { app, rows } = service
    const newPassword = 'a password that nobody had before'
    for (const first of [0, 1]) {
      const ada = await account(service)
      const headers = bearer(ada)
      const mailed = (url: string, payload: object) =>
        withMails(service, rows, () => post(app, url, payload, headers))
      const wanted = [`one-${ada.email}`, `two-${ada.email}`]
      const links: string[] = []
      for (const address of wanted) links.push(await link(service, ada, address))
      const reset = await mailed('/password-reset/request', { email: ada.email })
      const change = await mailed('/password-change/request', { currentPassword: PASSWORD })
      t.equal((await confirm(service, links[first] as string)).statusCode, 204)
      isProblemOf(t, await confirm(service, links[1 - first] as string), 'token_spent')
      t.equal((await me(service, ada)).json().email, wanted[first], 'each link is for its own email')
      isProblemOf(t, await login(service, wanted[1 - first] as string), 'invalid_credentials')
      t.equal((await confirm(service, await link(service, ada, ada.email))).statusCode, 204)
      t.equal((await me(service, ada)).json().email, ada.email)

      const token = tokenIn(reset.mails[0])
      const { requestToken } = reset.answer.json()
      const { changeToken } = change.answer.json()
      const [resetCode, changeCode] = [codeIn(reset.mails[0]), codeIn(change.mails[0])]
      for (const [url, payload, code] of [
        ['/email-change/confirm', { token: links[0], password: PASSWORD }, 'token_spent'],
        ['/email-change/confirm', { token: links[1], password: PASSWORD }, 'token_spent'],
        ['/password-reset/check', { token }, 'token_spent'],
        ['/password-reset/confirm', { token, newPassword }, 'token_spent'],
        ['/password-reset/confirm', { requestToken, code: resetCode, newPassword }, 'code_invalid'],
        ['/password-change/confirm', { changeToken, code: changeCode, newPassword }, 'token_spent'],
      ] as const) {
        isProblemOf(t, await post(app, url, payload, headers), code)
      }
      t.equal((await login(service, ada.email)).statusCode, 200, 'the password is unchanged')
      const again = await mailed('/password-reset/request', { email: ada.email })
      const payload = { token: tokenIn(again.mails[0]), newPassword }
      const answer = await post(app, '/password-reset/confirm', payload)
      t.equal(answer.statusCode, 204, 'a link requested since is valid')
    }
  },
)

t.test('an email is stored in canonical form, whatever its case', async t => {
  const service = await startApp(t)
  const ada = await account(service, 'ada@example.org')
  await account(service, 'taken@example.org')
  const { mails } = await withMails(service, service.rows, () => ask(service, ada, ' Ada.L@Example.NET '))
  const mail = mailTo(mails, 'ada.l@example.net', CONFIRM)
  t.strictSame(mail?.to, ['ada.l@example.net'])
  t.equal((await confirm(service, tokenIn(mail))).statusCode, 204)
  t.equal((await me(service, ada)).json().email, 'ada.l@example.net')
  t.equal((await login(service, 'ADA.L@EXAMPLE.NET')).statusCode, 200)
  const taken = await withMails(service, service.rows, () => ask(service, ada, 'TAKEN@example.org'))
  t.equal(taken.answer.statusCode, 202)
  t.notOk(mailTo(taken.mails, 'taken@example.org', /./), 'taken in any case')
})

t.test('pending registrations of the new email are void', async t => {
  const service = await startApp(t)
  const { app, rows } = service
  const ada = await account(service)
  const email = 'wanted@example.org'
  const password = 'the words of another person'
  const pending = await withMails(service, rows, () => post(app, '/register', { email, password }))
  const bystander = { email: 'bystander@example.org', password }
  await post(app, '/register', bystander)
  const token = await link(service, ada, email)
  t.equal((await confirm(service, token)).statusCode, 204)
  t.strictSame(
    (await rows.client.registration.findMany()).map(row => row.email),
    [bystander.email],
    'and no other',
  )
  const payload = { token: tokenIn(pending.mails[0]), password }
  isProblemOf(t, await post(app, '/confirm-email', payload), 'token_spent')
  isProblemOf(t, await login(service, email, password), 'invalid_credentials')
  t.equal((await login(service, email)).statusCode, 200)
})

t.test('the old email can register again as another account', async t => {
  const service = await startApp(t)
  const ada = await account(service, 'ada@example.org')
  t.equal((await confirm(service, await link(service, ada, 'ada@example.net'))).statusCode, 204)
  const next = await account(service, 'ada@example.org')
  const [one, two] = [(await me(service, ada)).json(), (await me(service, next)).json()]
  t.not(one.id, two.id)
  t.strictSame([one.email, two.email], ['ada@example.net', 'ada@example.org'])
})

t.test('a link expires after a day', async t => {
  const time = testClock(new Date('2030-01-01T00:00:00Z'))
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const token = await link(service, await account(service), 'ada@example.net')
  time.advance(86_400 - 0.001)
  isProblemOf(t, await confirm(service, token, 'not the password'), 'invalid_password', 'alive')
  time.advance(0.001)
  isProblemOf(t, await confirm(service, token), 'token_expired')
})

t.test(
  'during an outage of the mail server the responses are the same, and the link arrives later',
  async t => {
    const service = await startApp(t)
    const ada = await account(service, 'adaaa@example.org')
    await account(service, 'taken@example.org')
    const up = visible(await ask(service, ada, 'free1@example.org'))
    await service.rows.settled()
    await service.smtp.stop()
    const before = service.smtp.mails.length
    for (const newEmail of ['free2@example.org', 'taken@example.org', ada.email]) {
      t.strictSame(visible(await ask(service, ada, newEmail)), up, newEmail)
    }
    t.equal(service.smtp.mails.length, before)
    const untried = { where: { state: 'queued', lastError: null } }
    await until('all wait for a retry', async () => (await service.rows.client.outbox.count(untried)) === 0)
    await service.smtp.start()
    await service.rows.client.outbox.updateMany({
      where: { state: 'queued', leasedUntil: null },
      data: { nextAttemptAt: new Date() },
    })
    service.app.mail.wake()
    await service.rows.settled()
    const token = tokenIn(mailTo(service.smtp.mails, 'free2@example.org', CONFIRM))
    t.equal((await confirm(service, token)).statusCode, 204)
  },
)

// Regression: it opened a session, and notified the new address of a device that had used the old one. Found by the
// model.
t.test('a login with the old email that races with the change is refused', async t => {
  const service = await startApp(t)
  const owner = await account(service, 'overtaken@example.org')
  const token = await link(service, owner, 'moved@example.org')
  const { passwords } = service.app
  const { verify } = passwords
  passwords.verify = async (...guess) => {
    passwords.verify = verify
    const matches = await verify.apply(passwords, guess)
    t.equal(matches, true)
    t.equal((await confirm(service, token)).statusCode, 204)
    return matches
  }
  const before = await service.rows.client.session.count()
  isProblemOf(t, await login(service, owner.email), 'invalid_credentials')
  t.equal(await service.rows.client.session.count(), before)
})
