/** Codes beside the links of confirmation emails and of emails to a new address. */
import t, { type Test } from 'tap'
import {
  type Account,
  confirmedAccount,
  startApp,
  type TestApp,
  testClock,
  tokenIn,
} from '../../harness/app.ts'
import { capped } from '../../harness/capped.ts'
import { codeIn, mailTo, otherThan, withMails } from '../../harness/mailbox.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { openRows, type Rows } from '../../harness/rows.ts'
import { visible } from '../../harness/visible.ts'

const PASSWORD = 'correct horse battery staple'
const CONFIRM = /^Confirm your/

type Service = TestApp & { rows: Rows; advance(seconds: number): void }

async function startService(t: Test, env: Record<string, string> = {}): Promise<Service> {
  const { clock, advance } = testClock(new Date('2030-01-01T00:10:00Z'))
  const service = await startApp(t, { env, overrides: { clock } })
  return { ...service, advance, rows: await openRows(t, service.databaseUrl) }
}

const post = ({ app }: Pick<Service, 'app'>, url: string, payload: object, headers = {}) =>
  app.inject({ method: 'POST', url, payload, headers })

const login = (service: Pick<Service, 'app'>, email: string) =>
  post(service, '/login', { email, password: PASSWORD })

let made = 0
const newAddress = () => `address-${++made}@example.org`

/** A flow that is confirmed by link or by code. */
interface Subject {
  /** Recipient of the email. */
  email: string
  /** Requests the email; may be repeated. */
  ask(): ReturnType<typeof post>
}

interface Flow {
  /** EMAIL_CONFIRMATION. */
  mode: 'required' | 'off'
  url: string
  success: number
  subject(service: Pick<Service, 'app' | 'smtp' | 'rows'>, email?: string): Promise<Subject>
}

/** The three flows with such a code. */
const FLOWS: Record<string, Flow> = {
  'a registration': {
    ...{ mode: 'required', url: '/confirm-email', success: 200 },
    subject: async (service, email = newAddress()) => ({
      email,
      ask: () => post(service, '/register', { email }),
    }),
  },
  'an account that was made unconfirmed': {
    ...{ mode: 'off', url: '/confirm-email', success: 200 },
    async subject(service, email = newAddress()) {
      await post(service, '/register', { email, password: 'the password of a squatter' })
      return { email, ask: () => post(service, '/confirm-email/resend', { email }) }
    },
  },
  'a new address': {
    ...{ mode: 'required', url: '/email-change/confirm', success: 204 },
    async subject(service, email = newAddress()) {
      await service.rows.settled()
      const { accessToken } = await confirmedAccount(service, newAddress(), PASSWORD)
      const payload = { currentPassword: PASSWORD, newEmail: email }
      const headers = { authorization: `Bearer ${accessToken}` }
      return { email, ask: () => post(service, '/email-change/request', payload, headers) }
    },
  },
}

/** The token of the response; code and link of the email. */
async function begin(service: Service, { email, ask }: Subject) {
  const { answer, mails } = await withMails(service, service.rows, ask)
  const mail = mailTo(mails, email, CONFIRM)
  const { requestToken } = answer.json() as { requestToken: string }
  return { byCode: { requestToken, code: codeIn(mail) }, byLink: { token: tokenIn(mail) } }
}

for (const [name, { mode, url, success, subject }] of Object.entries(FLOWS)) {
  t.test(`the code for ${name}`, async t => {
    const service = await startService(t, { EMAIL_CONFIRMATION: mode })
    const { rows } = service
    const confirm = (proof: object, password = PASSWORD) => post(service, url, { ...proof, password })

    await t.test('works once, with the token of its request, and spends the link', async t => {
      const one = await subject(service)
      const { byCode, byLink } = await begin(service, one)
      t.match(byCode.code, /^\d{8}$/)
      const done = await confirm(byCode)
      t.equal(done.statusCode, success)
      t.equal((await login(service, one.email)).statusCode, 200)
      isProblemOf(t, await confirm(byCode), 'code_invalid', 'again')
      isProblemOf(t, await confirm(byLink), 'token_spent', 'the link of that mail')
      if (success === 200) {
        const headers = { authorization: `Bearer ${done.json().accessToken}` }
        const me = await service.app.inject({ url: '/me', headers })
        t.match(me.json(), { email: one.email, emailConfirmedAt: String })
        t.equal(
          (await post(service, '/login', { email: one.email, password: 'the password of a squatter' }))
            .statusCode,
          401,
        )
      }
    })

    await t.test('is spent by any link', async t => {
      const one = await subject(service)
      const [first, second] = [await begin(service, one), await begin(service, one)]
      t.equal((await confirm(first.byLink)).statusCode, success)
      for (const { byCode } of [first, second]) isProblemOf(t, await confirm(byCode), 'code_invalid')
    })

    await t.test('belongs to its own request only', async t => {
      const one = await subject(service)
      const [first, second] = [await begin(service, one), await begin(service, one)]
      const other = await begin(service, await subject(service))
      for (const [{ requestToken }, { code }] of [
        [first.byCode, second.byCode],
        [second.byCode, first.byCode],
        [first.byCode, other.byCode],
        [other.byCode, first.byCode],
      ] as const) {
        isProblemOf(t, await confirm({ requestToken, code }), 'code_invalid')
      }
      for (const token of [first.byLink.token, 'a.b.c', 'nonsense']) {
        isProblemOf(t, await confirm({ ...first.byCode, requestToken: token }), 'token_invalid')
      }
      isProblemOf(
        t,
        await confirm({ token: first.byCode.requestToken }),
        'token_invalid',
        'a request token is not a link token',
      )
      t.equal((await confirm(first.byCode)).statusCode, success)
    })

    await t.test('is blocked after five wrong attempts; the link and a new code work', async t => {
      for (const how of ['the link', 'a new code']) {
        const one = await subject(service)
        const { byCode, byLink } = await begin(service, one)
        const wrong = { ...byCode, code: otherThan(byCode.code) }
        for (let tries = 0; tries < 5; tries++) isProblemOf(t, await confirm(wrong), 'code_invalid')
        isProblemOf(t, await confirm(byCode), 'code_invalid', 'the right one')
        const proof = how === 'the link' ? byLink : (await begin(service, one)).byCode
        t.equal((await confirm(proof)).statusCode, success, how)
      }
    })

    await t.test('succeeds once in ten parallel attempts', async t => {
      const one = await subject(service)
      const { byCode } = await begin(service, one)
      const requests = [
        byCode,
        ...(await Promise.all([1, 2, 3].map(() => begin(service, one)))).map(x => x.byCode),
      ]
      const answers = await Promise.all([...requests, ...requests].map(proof => confirm(proof)))
      const codes = answers.map(answer => (answer.statusCode === success ? 'won' : answer.json().code))
      t.equal(codes.filter(code => code === 'won').length, 1)
      t.strictSame(
        codes.filter(code => !['won', 'code_invalid', 'token_spent'].includes(code)),
        [],
      )
      t.equal(await rows.client.user.count({ where: { email: one.email } }), 1)
    })

    await t.test('expires after a day, to the second', async t => {
      const { byCode } = await begin(service, await subject(service))
      const late = await begin(service, await subject(service))
      service.advance(86_399.999)
      t.equal((await confirm(late.byCode)).statusCode, success)
      service.advance(0.001)
      isProblemOf(t, await confirm(byCode), 'token_expired')
    })
  })
}

t.test(
  'attempts are also limited per account and address: fifteen an hour, which another account does not use up',
  async t => {
    const service = await startService(t)
    const { url, success, subject } = FLOWS['a new address'] as Flow
    const confirm = (proof: object) => post(service, url, { ...proof, password: PASSWORD })
    const [one, other] = [
      await subject(service, 'wanted@example.org'),
      await subject(service, 'wanted@example.org'),
    ]
    for (let requests = 0; requests < 3; requests++) {
      const { byCode } = await begin(service, one)
      const wrong = { ...byCode, code: otherThan(byCode.code) }
      for (let tries = 0; tries < 5; tries++) isProblemOf(t, await confirm(wrong), 'code_invalid')
    }
    const { byCode } = await begin(service, one)
    isProblemOf(t, await confirm(byCode), 'code_invalid', 'the sixteenth')
    const rival = await begin(service, other)
    t.equal(
      (await post(service, url, { ...rival.byCode, password: 'not the password of it' })).statusCode,
      403,
    )
    service.advance(3600)
    t.equal((await confirm(byCode)).statusCode, success, 'an hour later')
    isProblemOf(t, await confirm(rival.byCode), 'email_taken')
  },
)

t.test('a rejected password spends neither code nor attempt', async t => {
  const service = await startService(t)
  const { rows } = service
  for (const [name, { url, mode, success, subject }] of Object.entries(FLOWS)) {
    if (mode === 'off') continue
    const { byCode } = await begin(service, await subject(service))
    const before = await rows.client.guess.count()
    const refusal = success === 200 ? 'password_rejected' : 'invalid_password'
    const password = success === 200 ? 'password1' : 'not the password of anybody'
    isProblemOf(t, await post(service, url, { ...byCode, password }), refusal, name)
    // A change of email also requires the current password; a wrong one counts as an attempt.
    t.equal((await rows.client.guess.count()) - before, success === 200 ? 0 : 2, name)
    t.equal((await post(service, url, { ...byCode, password: PASSWORD })).statusCode, success, name)
  }
})

t.test('a code is valid for one purpose only', async t => {
  const service = await startService(t)
  const { accessToken, email } = await confirmedAccount(service)
  const headers = { authorization: `Bearer ${accessToken}` }
  const asked = async (to: string, act: () => ReturnType<typeof post>) => {
    const { answer, mails } = await withMails(service, service.rows, act)
    return { requestToken: answer.json().requestToken as string, code: codeIn(mailTo(mails, to, /./)) }
  }
  const [pending, next] = [newAddress(), newAddress()]
  const move = { currentPassword: PASSWORD, newEmail: next }
  const hand = {
    '/password-reset/confirm': await asked(email, () => post(service, '/password-reset/request', { email })),
    '/confirm-email': await asked(pending, () => post(service, '/register', { email: pending })),
    '/email-change/confirm': await asked(next, () => post(service, '/email-change/request', move, headers)),
  }
  for (const [url, { requestToken }] of Object.entries(hand)) {
    const password = url.startsWith('/password-reset') ? 'newPassword' : 'password'
    for (const [other, { code }] of Object.entries(hand)) {
      if (other === url) continue
      const refused = await post(service, url, { requestToken, code, [password]: PASSWORD })
      isProblemOf(t, refused, 'code_invalid', `the code of ${other} at ${url}`)
    }
  }
  const { users } = await service.rows.dump()
  t.equal(users.length, 1)
})

t.test('needs either a token or a code', async t => {
  const service = await startService(t)
  for (const [name, { url, mode, subject, success }] of Object.entries(FLOWS)) {
    if (mode === 'off') continue
    const { byCode, byLink } = await begin(service, await subject(service))
    const { requestToken, code } = byCode
    for (const proof of [{}, { ...byCode, ...byLink }, { requestToken }, { code }, { ...byLink, code }]) {
      const refused = await post(service, url, { ...proof, password: PASSWORD })
      isProblemOf(t, refused, 'validation_failed', `${name}: ${Object.keys(proof).join(' and ')}`)
    }
    t.equal(await service.rows.client.guess.count(), 0)
    const pasted = { requestToken: `<${requestToken}>`, code: ` ${code.slice(0, 4)}\u00a0${code.slice(4)}\n` }
    t.equal((await post(service, url, { ...pasted, password: PASSWORD })).statusCode, success)
    await service.rows.client.guess.deleteMany()
  }
})

t.test('a code confirms in cookie mode, too', async t => {
  const service = await startService(t)
  const { byCode } = await begin(service, await (FLOWS['a registration'] as Flow).subject(service))
  const done = await post(service, '/confirm-email', { ...byCode, password: PASSWORD, mode: 'cookie' })
  t.equal(done.statusCode, 200)
  t.match(done.headers['set-cookie'], /HttpOnly/)
  t.notOk('refreshToken' in done.json())
})

t.test('an email without a code behaves like a wrong code', async t => {
  const service = await startService(t)
  const { rows } = service
  const account: Account = await confirmedAccount(service, 'known@example.org', PASSWORD)
  await confirmedAccount(service, 'disab@example.org', PASSWORD)
  await rows.disable('disab@example.org')
  const seen: Record<string, unknown> = {}
  for (const email of ['unkno@example.org', 'known@example.org', 'disab@example.org', 'pendi@example.org']) {
    if (email === 'pendi@example.org') await post(service, '/register', { email })
    const { answer } = await withMails(service, rows, () => post(service, '/confirm-email/resend', { email }))
    const before = await rows.client.guess.count()
    const tries = []
    for (let i = 0; i < 6; i++) {
      const proof = { requestToken: answer.json().requestToken, code: '00000000', password: PASSWORD }
      tries.push(visible(await post(service, '/confirm-email', proof)))
    }
    seen[email] = { answer: visible(answer), tries, rows: (await rows.client.guess.count()) - before }
    t.strictSame(seen[email], seen['unkno@example.org'], email)
  }
  t.match(seen['unkno@example.org'], { rows: 2, tries: [{ status: 400, body: /code_invalid/ }] })
  t.equal((await login(service, account.email)).statusCode, 200)
})

t.test('waiting requests share one email, whose code fits the token of each', async t => {
  const world = await capped(t)
  const { rows, sentMails, smtp, advance, app } = world
  let client = 0
  // Each from a separate network, because the cap of a recipient is tested here.
  const inject = (request: object) => app.inject({ ...request, remoteAddress: `10.9.8.${++client}` })
  const service = { ...world, app: { inject } as unknown as Service['app'] }
  for (const [name, { mode, url, success, subject }] of Object.entries(FLOWS)) {
    if (mode === 'off') continue
    for (const which of [0, 4]) {
      const { email, ask } = await subject({ ...service, rows, smtp })
      const first = (await ask()).json()
      t.equal((await sentMails(email)).length, 1, `${name}: one at once`)
      const waiting: string[] = []
      for (let i = 0; i < 5; i++) waiting.push((await ask()).json().requestToken)
      t.equal((await sentMails(email)).length, 1, `${name}: the others wait`)
      advance(60)
      t.equal((await sentMails(email)).length, 2, `${name}: one for five`)
      const code = codeIn(smtp.mails.findLast(mail => mail.to.includes(email)))
      const confirm = (requestToken: string | undefined) =>
        world.post(url, { requestToken, code, password: PASSWORD })
      isProblemOf(t, await confirm(first.requestToken), 'code_invalid', 'of the mail before')
      t.equal((await confirm(waiting[which])).statusCode, success, `${name}: request ${which}`)
      isProblemOf(t, await confirm(waiting[(which + 1) % 5]), 'code_invalid', 'used up for the others')
    }
  }
})

t.test('a reset email contains no confirmation code', async t => {
  const service = await startService(t)
  const email = newAddress()
  await withMails(service, service.rows, () => post(service, '/register', { email }))
  const { mails } = await withMails(service, service.rows, () =>
    post(service, '/password-reset/request', { email }),
  )
  t.match(mails[0]?.subject, CONFIRM)
  t.throws(() => codeIn(mails[0]))
})
