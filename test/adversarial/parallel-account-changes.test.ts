// Parallel changes of one account.
import t, { type Test } from 'tap'
import { confirmedAccount, startApp, type TestApp, type TestAppOptions, tokenIn } from '../harness/app.ts'
import { codeIn, mailTo, otherThan, withMails } from '../harness/mailbox.ts'
import { openRows, type Rows } from '../harness/rows.ts'
import { tally } from './tally.ts'

const AT_ONCE = 20
const PASSWORD = 'correct horse battery staple'
/** More hashes queue here than the default timeout allows on one core. */
const env = { HASH_QUEUE_TIMEOUT: '60' }

type Service = TestApp & { rows: Rows }

async function startService(t: Test, options: TestAppOptions = {}): Promise<Service> {
  const service = await startApp(t, { ...options, env: { ...env, ...options.env } })
  return { ...service, rows: await openRows(t, service.databaseUrl) }
}

const numbered = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, i) => make(i))

/** Waits a random number of turns, so that every round interleaves differently. */
async function randomTurns() {
  for (let turns = Math.floor(Math.random() * 12); turns > 0; turns--) {
    await new Promise(resolve => setImmediate(resolve))
  }
}

async function account(service: Service, email?: string) {
  await service.rows.settled()
  const made = await confirmedAccount(service, email, PASSWORD)
  return { ...made, headers: { authorization: `Bearer ${made.accessToken}` } }
}
type Account = Awaited<ReturnType<typeof account>>

const login = ({ app }: TestApp, email: string, password: string) =>
  app.inject({ method: 'POST', url: '/login', payload: { email, password } })

async function beginChange(service: Service, { headers }: Account) {
  const payload = { currentPassword: PASSWORD }
  const { answer, mails } = await withMails(service, service.rows, () =>
    service.app.inject({ method: 'POST', url: '/password-change/request', headers, payload }),
  )
  return { changeToken: answer.json().changeToken as string, code: codeIn(mails[0]) }
}

async function beginReset(service: Service, { email }: Account) {
  const { answer, mails } = await withMails(service, service.rows, () =>
    service.app.inject({ method: 'POST', url: '/password-reset/request', payload: { email } }),
  )
  return {
    byCode: { requestToken: answer.json().requestToken as string, code: codeIn(mails[0]) },
    byLink: { token: tokenIn(mails[0]) },
  }
}

async function emailLink(service: Service, { headers }: Account, newEmail: string) {
  const { mails } = await withMails(service, service.rows, () =>
    service.app.inject({
      method: 'POST',
      url: '/email-change/request',
      headers,
      payload: { currentPassword: PASSWORD, newEmail },
    }),
  )
  return tokenIn(mailTo(mails, newEmail, /^Confirm your new/))
}

const change = ({ app }: TestApp, { headers }: Pick<Account, 'headers'>, payload: object) =>
  app.inject({ method: 'POST', url: '/password-change/confirm', headers, payload })
const reset = ({ app }: TestApp, payload: object) =>
  app.inject({ method: 'POST', url: '/password-reset/confirm', payload })
const changeEmail = ({ app }: TestApp, token: string) =>
  app.inject({ method: 'POST', url: '/email-change/confirm', payload: { token, password: PASSWORD } })

const passwords = numbered(AT_ONCE, index => `password of contender ${index}`)

/** Asserts that exactly one attempt succeeded, and that the account has its password. */
async function oneSucceeded(
  t: Test,
  service: Service,
  email: string,
  answers: { statusCode: number; body: string }[],
) {
  const { '204': won, ...lost } = tally(answers)
  t.equal(won, 1, 'one 204')
  const reasons = Object.keys(lost).sort()
  const fair = ['400 code_invalid', '400 token_spent', '401 unauthenticated']
  t.strictSame(
    reasons.filter(reason => !fair.includes(reason)),
    [],
    `the others: ${JSON.stringify(lost)}`,
  )
  t.equal(
    await service.rows.client.session.count({ where: { user: { email } } }),
    0,
    'every session was revoked',
  )
  const winner = passwords[answers.findIndex(({ statusCode }) => statusCode === 204)]
  const loggedIn: string[] = []
  for (const candidate of [PASSWORD, ...passwords]) {
    if ((await login(service, email, candidate)).statusCode === 200) loggedIn.push(candidate)
  }
  t.strictSame(loggedIn, [winner], 'only the password of the request with 204 logs in')
  await service.rows.settled()
  const notices = await service.rows.client.outbox.count({
    where: { kind: 'password_changed', recipient: email },
  })
  t.equal(notices, 1, 'one notice')
}

t.test('of 20 parallel confirmations of a change with the right code one succeeds', async t => {
  const service = await startService(t)
  const ada = await account(service)
  const begun = await beginChange(service, ada)
  const answers = await Promise.all(
    passwords.map(newPassword => change(service, ada, { ...begun, newPassword })),
  )
  await oneSucceeded(t, service, ada.email, answers)
})

t.test('of several changes confirmed in parallel one succeeds', async t => {
  const service = await startService(t)
  const ada = await account(service)
  const begun = [
    await beginChange(service, ada),
    await beginChange(service, ada),
    await beginChange(service, ada),
  ]
  // Four attempts each, so that only the compare-and-swap decides.
  const answers = await Promise.all(
    passwords.slice(0, 12).map((newPassword, i) => change(service, ada, { ...begun[i % 3], newPassword })),
  )
  t.notOk(tally(answers)['400 code_invalid'], 'no attempt was refused as one too many')
  await oneSucceeded(t, service, ada.email, answers)
})

t.test('of 20 parallel resets with the right code one succeeds', async t => {
  const service = await startService(t)
  const ada = await account(service)
  const { byCode } = await beginReset(service, ada)
  const answers = await Promise.all(passwords.map(newPassword => reset(service, { ...byCode, newPassword })))
  await oneSucceeded(t, service, ada.email, answers)
})

t.test('of a parallel reset by link, reset by code and change one succeeds', async t => {
  const service = await startService(t)
  for (let round = 0; round < 3; round++) {
    const ada = await account(service)
    const { byCode, byLink } = await beginReset(service, ada)
    const begun = await beginChange(service, ada)
    const answers = await Promise.all(
      passwords.slice(0, 9).map(async (newPassword, i) => {
        await randomTurns()
        if (i % 3 === 0) return reset(service, { ...byCode, newPassword })
        if (i % 3 === 1) return reset(service, { ...byLink, newPassword })
        return change(service, ada, { ...begun, newPassword })
      }),
    )
    await oneSucceeded(t, service, ada.email, answers)
  }
})

t.test('20 parallel wrong codes count as 20', async t => {
  const service = await startService(t)
  const { client } = service.rows
  const ada = await account(service)
  const newPassword = 'a password that nobody had before'
  const begun = await beginChange(service, ada)
  const wrong = { ...begun, code: otherThan(begun.code), newPassword }
  const changes = await Promise.all(numbered(AT_ONCE, () => change(service, ada, wrong)))
  t.strictSame(tally(changes), { '400 code_invalid': AT_ONCE })
  t.match(await client.guess.findMany(), [{ count: AT_ONCE }, { count: AT_ONCE }])
  t.equal((await change(service, ada, { ...begun, newPassword })).json().code, 'code_invalid')

  await client.guess.deleteMany()
  const { byCode } = await beginReset(service, ada)
  const guess = { ...byCode, code: otherThan(byCode.code), newPassword }
  const resets = await Promise.all(numbered(AT_ONCE, () => reset(service, guess)))
  t.strictSame(tally(resets), { '400 code_invalid': AT_ONCE })
  t.match(await client.guess.findMany(), [{ count: AT_ONCE }, { count: AT_ONCE }])
  t.equal((await reset(service, { ...byCode, newPassword })).json().code, 'code_invalid')
})

t.test('four parallel wrong codes leave a fifth attempt, five do not', async t => {
  const service = await startService(t)
  const newPassword = 'a password that nobody had before'
  for (const [wrong, status] of [
    [4, 204],
    [5, 400],
  ] as const) {
    const ada = await account(service)
    const { byCode } = await beginReset(service, ada)
    const guess = { ...byCode, code: otherThan(byCode.code), newPassword }
    await Promise.all(numbered(wrong, () => reset(service, guess)))
    t.equal((await reset(service, { ...byCode, newPassword })).statusCode, status)
  }
})

t.test('20 parallel guesses on two instances count as 20', async t => {
  const first = await startService(t)
  const { databaseUrl, smtp } = first
  const second = await startService(t, { databaseUrl, smtp })
  const ada = await account(first)
  const { byCode } = await beginReset(first, ada)
  const newPassword = 'a password that nobody had before'
  const guess = { ...byCode, code: otherThan(byCode.code), newPassword }
  const answers = await Promise.all(numbered(AT_ONCE, index => reset(index % 2 ? first : second, guess)))
  t.strictSame(tally(answers), { '400 code_invalid': AT_ONCE })
  t.match(await first.rows.client.guess.findMany(), [{ count: AT_ONCE }, { count: AT_ONCE }])
})

t.test('of 20 parallel confirmations of a new email one succeeds', async t => {
  const service = await startService(t)
  const ada = await account(service)
  const token = await emailLink(service, ada, 'new@example.org')
  const answers = await Promise.all(numbered(AT_ONCE, () => changeEmail(service, token)))
  t.strictSame(tally(answers), { '204': 1, '400 token_spent': AT_ONCE - 1 })
  t.equal((await login(service, 'new@example.org', PASSWORD)).statusCode, 200)
  t.equal((await login(service, ada.email, PASSWORD)).statusCode, 401)
  await service.rows.settled()
  t.equal(await service.rows.client.outbox.count({ where: { kind: 'email_changed' } }), 1, 'one notice')
  t.equal(await service.rows.client.event.count({ where: { kind: 'email_changed' } }), 1, 'one event')
})

t.test('of two new emails confirmed in parallel one succeeds', async t => {
  const service = await startService(t)
  for (let round = 0; round < 3; round++) {
    const ada = await account(service)
    const wanted = [`one-${ada.email}`, `two-${ada.email}`] as const
    const links = [
      await emailLink(service, ada, wanted[0]),
      await emailLink(service, ada, wanted[1]),
    ] as const
    const answers = await Promise.all(
      links.map(async token => {
        await randomTurns()
        return changeEmail(service, token)
      }),
    )
    t.strictSame(tally(answers), { '204': 1, '400 token_spent': 1 })
    const winner = wanted[answers[0]?.statusCode === 204 ? 0 : 1]
    const me = await service.app.inject({ url: '/me', headers: ada.headers })
    t.equal(me.json().email, winner)
    const { id } = me.json()
    t.match(await service.rows.client.user.findMany({ where: { id } }), [{ email: winner }])
  }
})

t.test('of two accounts and a registration one gets the email', async t => {
  const service = await startService(t)
  const { app, rows } = service
  const outcomes: Record<string, number> = {}
  for (let round = 0; round < 4; round++) {
    const email = `wanted-${round}@example.org`
    const [ada, bob] = [await account(service), await account(service)]
    const links = [await emailLink(service, ada, email), await emailLink(service, bob, email)]
    const password = 'the words of another person'
    const registered = await withMails(service, rows, () =>
      app.inject({ method: 'POST', url: '/register', payload: { email, password } }),
    )
    const payload = { token: tokenIn(registered.mails[0]), password }
    const answers = await Promise.all([
      ...links.map(async token => {
        await randomTurns()
        return changeEmail(service, token)
      }),
      randomTurns().then(() => app.inject({ method: 'POST', url: '/confirm-email', payload })),
    ])
    const winners = answers.filter(({ statusCode }) => statusCode < 300)
    t.equal(winners.length, 1, `round ${round}`)
    for (const [i, { statusCode, body }] of answers.entries()) {
      if (statusCode >= 300) t.equal(JSON.parse(body).code, i === 2 ? 'token_spent' : 'email_taken')
      else outcomes[i] = (outcomes[i] ?? 0) + 1
    }
    t.equal(await rows.client.user.count({ where: { email } }), 1)
    if (answers[2]?.statusCode !== 200) t.equal(await rows.client.registration.count({ where: { email } }), 0)
    for (const [i, loser] of [ada, bob].entries()) {
      const me = await app.inject({ url: '/me', headers: loser.headers })
      t.equal(me.json().email, answers[i]?.statusCode === 204 ? email : loser.email)
    }
  }
  t.comment(outcomes)
})

t.test('of a parallel change of email and of password one succeeds', async t => {
  const service = await startService(t)
  for (let round = 0; round < 4; round++) {
    const ada = await account(service)
    const newEmail = `new-${ada.email}`
    const newPassword = 'a password that nobody had before'
    const { byLink } = await beginReset(service, ada)
    const token = await emailLink(service, ada, newEmail)
    const [moved, set] = await Promise.all([
      randomTurns().then(() => changeEmail(service, token)),
      randomTurns().then(() => reset(service, { ...byLink, newPassword })),
    ])
    t.strictSame(tally([moved, set]), { '204': 1, '400 token_spent': 1 })
    const [email, password] = moved.statusCode === 204 ? [newEmail, PASSWORD] : [ada.email, newPassword]
    for (const [triedEmail, triedPassword] of [
      [ada.email, PASSWORD],
      [ada.email, newPassword],
      [newEmail, PASSWORD],
      [newEmail, newPassword],
    ] as const) {
      const right = triedEmail === email && triedPassword === password
      t.equal((await login(service, triedEmail, triedPassword)).statusCode, right ? 200 : 401)
    }
  }
})
