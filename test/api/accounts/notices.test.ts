/** Notices to the owner: recipient, time and words. */
import t, { type Test } from 'tap'
import {
  type Account,
  bearer,
  confirmedAccount,
  post,
  startApp,
  type TestAppOptions,
} from '../../harness/app.ts'
import { visible } from '../../harness/visible.ts'

const email = 'ada@example.org'
const password = 'correct horse battery staple'
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'

async function startService(t: Test, options: TestAppOptions = {}) {
  const service = await startApp(t, options)
  const { app, smtp, rows } = service
  let seen = 0
  return {
    ...service,
    logIn: (userAgent: string, remoteAddress = '192.0.2.7', word = password) =>
      app.inject({
        method: 'POST',
        url: '/login',
        headers: { 'user-agent': userAgent },
        remoteAddress,
        payload: { email, password: word },
      }),
    /** Emails since the last call. */
    async news() {
      await rows.settled()
      const mails = smtp.mails.slice(seen)
      seen = smtp.mails.length
      return mails
    },
  }
}

t.test('a new device causes one notice, with its name and IP address', async t => {
  const service = await startService(t)
  await confirmedAccount(service, email, password)
  await confirmedAccount(service, 'eve@example.org', password)
  await service.news()
  t.equal((await service.logIn('lightMyRequest')).statusCode, 200)
  t.strictSame(await service.news(), [], 'it confirmed the account')
  t.equal((await service.logIn(FIREFOX, '203.0.113.9', 'not this one at all')).statusCode, 401)
  t.strictSame(await service.news(), [], 'a refused login sends no notice')

  t.equal((await service.logIn(FIREFOX, '203.0.113.9')).statusCode, 200)
  const [notice, ...others] = await service.news()
  t.strictSame(others, [])
  t.strictSame(notice?.to, [email])
  t.match(notice?.subject, /^New device/)
  for (const body of [notice?.text, notice?.html]) {
    t.match(body, /Firefox on Linux/)
    t.match(body, /203\.0\.113\.9/)
    t.match(body, /\/app\/secure#token=eyJ/)
  }
  t.equal((await service.logIn(FIREFOX, '198.51.100.1')).statusCode, 200)
  t.strictSame(await service.news(), [], 'another network is not another device')
  t.equal((await service.logIn('')).statusCode, 200)
  t.match((await service.news())[0]?.text, /Device: unknown/, 'a device without a name counts as one')
  t.equal((await service.logIn('a'.repeat(600))).statusCode, 200)
  t.strictSame(await service.news(), [])
})

t.test('the first login sends no notice of a new device', async t => {
  const service = await startService(t, { env: { EMAIL_CONFIRMATION: 'off' } })
  await post(service.app, '/register', { email, password })
  t.equal((await service.logIn(FIREFOX)).statusCode, 200)
  t.strictSame(await service.news(), [])
  t.equal((await service.logIn('curl/8.5.0')).statusCode, 200)
  t.equal((await service.news()).length, 1)
})

t.test('of two parallel first logins the second sends a notice', async t => {
  const service = await startService(t, { env: { EMAIL_CONFIRMATION: 'off' } })
  await post(service.app, '/register', { email, password })
  const answers = await Promise.all([service.logIn(FIREFOX), service.logIn('curl/8.5.0')])
  t.ok(answers.every(({ statusCode }) => statusCode === 200))
  t.equal((await service.news()).length, 1)
})

t.test('of parallel logins from a new device one sends a notice', async t => {
  const service = await startService(t, { env: { HASH_QUEUE_TIMEOUT: '60' } })
  await confirmedAccount(service, email, password)
  await service.news()
  const answers = await Promise.all(Array.from({ length: 20 }, () => service.logIn(FIREFOX)))
  t.ok(answers.every(({ statusCode }) => statusCode === 200))
  t.equal((await service.news()).length, 1)
})

t.test('a user agent cannot put text into the email', async t => {
  const service = await startService(t)
  await confirmedAccount(service, email, password)
  await service.news()
  await service.logIn('Your account is blocked, see https://evil.example/unblock/1 (Windows NT 10.0)')
  const [notice] = await service.news()
  t.match(notice?.text, /Device: Other client on Windows/)
  t.notMatch(`${notice?.text}${notice?.html}${notice?.subject}`, /evil|blocked,/)
})

/** Performs every action that causes a notice; the notices are in the account's language. */
async function inGerman(service: Awaited<ReturnType<typeof startService>>): Promise<Account> {
  const account = await confirmedAccount(service, email, password)
  await service.app.inject({
    method: 'PATCH',
    url: '/me',
    headers: bearer(account),
    payload: { locale: 'de' },
  })
  await service.news()
  return account
}

t.test('notices are in the language of the account', async t => {
  const service = await startService(t)
  await inGerman(service)
  await service.logIn(FIREFOX, '203.0.113.9')
  const [notice] = await service.news()
  t.match(notice?.html, 'lang="de"')
  t.match(notice?.text, /Firefox auf Linux/)
  t.notMatch(notice?.text, /Device|This was not me/)
})

t.test('notices go to the old email, the link to the new one', async t => {
  const service = await startService(t)
  const { app } = service
  const ada = await inGerman(service)
  const newEmail = 'countess@example.org'
  const payload = { currentPassword: password, newEmail }
  await post(app, '/email-change/request', payload, bearer(ada))
  const asked = await service.news()
  t.equal(asked.length, 2)
  const link = asked.find(({ to }) => to.includes(newEmail))
  const warning = asked.find(({ to }) => to.includes(email))
  t.match(link?.text, /\/app\/change-email#token=/)
  t.notMatch(link?.text, /\/app\/secure|ada@example/, 'a mistyped address gets no details of the account')
  t.match(warning?.text, /\/app\/secure#token=/)
  t.match(warning?.text, newEmail)
  t.notMatch(warning?.text, /change-email/)

  const token = /#token=(\S+)/.exec(link?.text ?? '')?.[1]
  await post(app, '/email-change/confirm', { token, password })
  const [changed, ...others] = await service.news()
  t.strictSame(others, [])
  t.strictSame(changed?.to, [email], 'the old address')
  t.match(changed?.text, newEmail)
  t.match(changed?.html, 'lang="de"')

  const reset = await post(app, '/password-reset/request', { email: newEmail })
  t.equal(reset.statusCode, 202)
  const [mail] = await service.news()
  const newPassword = 'a password that nobody had before'
  const confirm = { token: /#token=(\S+)/.exec(mail?.text ?? '')?.[1], newPassword }
  t.equal((await post(app, '/password-reset/confirm', confirm)).statusCode, 204)
  const [notice, ...rest] = await service.news()
  t.strictSame(rest, [])
  t.strictSame(notice?.to, [newEmail], 'later notices go to the new address')
  t.match(notice?.text, /\/app\/secure#token=/)
})

t.test('a taken email gets no message, and the response does not reveal it', async t => {
  const service = await startService(t)
  const ada = await confirmedAccount(service, email, password)
  await confirmedAccount(service, 'eve@example.org', password)
  await service.news()
  const ask = (newEmail: string) =>
    post(service.app, '/email-change/request', { currentPassword: password, newEmail }, bearer(ada))
  const [taken, free] = [await ask('eve@example.org'), await ask('may@example.org')]
  t.equal(taken.statusCode, 202)
  t.equal(visible(taken).body, visible(free).body)
  const recipients = (await service.news()).flatMap(({ to }) => to).sort()
  t.strictSame(recipients, [email, email, 'may@example.org'])
})
