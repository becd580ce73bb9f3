/** The codes in emails: what holds for every flow that takes one. */
import type { LightMyRequestResponse as Response } from 'fastify'
import t, { type Test } from 'tap'
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
import { capped } from '../../harness/capped.ts'
import { codeIn, mailTo, otherThan, withMails } from '../../harness/mailbox.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { visible } from '../../harness/visible.ts'

const PASSWORD = 'correct horse battery staple'
/** Of emails with a code. */
const SUBJECT = /^Confirm your|^Reset your|code/i

type Service = TestApp & { advance(seconds: number): void }

async function startService(t: Test, env: Record<string, string> = {}): Promise<Service> {
  const { clock, advance } = testClock(new Date('2030-01-01T00:10:00Z'))
  const service = await startApp(t, { env, overrides: { clock } })
  return { ...service, advance }
}

const login = (service: Pick<Service, 'app'>, email: string, password = PASSWORD) =>
  post(service.app, '/login', { email, password })

let made = 0
const newAddress = () => `some-address-${++made}@example.org`

/** An account or address whose email contains a code. */
interface Subject {
  email: string
  /** Requests the email, any number of times. */
  ask(): Promise<Response>
  /** Of the session that the request needs. */
  headers?: { authorization: string }
}

interface Flow {
  /** EMAIL_CONFIRMATION. */
  mode: 'required' | 'off'
  url: string
  success: number
  /** Member of the body that holds the password; by default `password`. */
  member?: 'newPassword'
  /** Member of response and body that holds the token; by default `requestToken`. */
  token?: 'requestToken' | 'changeToken'
  /** Digits of the code; 8 by default. A code of 6 digits comes without a link. */
  digits?: 6
  /** Seconds until the code expires, and how the email says it. */
  life: number
  says: RegExp
  /** Codes of the problem for a code that was used, and for a password that the policy or the account refuses. */
  used?: 'unauthenticated'
  refused: 'password_rejected' | 'invalid_password'
  subject(service: Pick<Service, 'app' | 'smtp' | 'rows'>, email?: string): Promise<Subject>
}

const BY_EMAIL = { life: 86_400, says: /24 hours/ }
/** The password of an account that gets PASSWORD by its code. */
const FORMER = 'the password until now'

async function withSession(
  service: Pick<Service, 'app' | 'smtp' | 'rows'>,
  email: string,
  password: string,
): Promise<{ authorization: string }> {
  await service.rows.settled()
  const { accessToken } = await confirmedAccount(service, email, password)
  return bearer(accessToken)
}

/** All ways to a code. */
const FLOWS: Record<string, Flow> = {
  'a registration': {
    ...{ mode: 'required', url: '/confirm-email', success: 200, refused: 'password_rejected', ...BY_EMAIL },
    subject: async (service, email = newAddress()) => ({
      email,
      ask: () => post(service.app, '/register', { email }),
    }),
  },
  'an account that was made unconfirmed': {
    ...{ mode: 'off', url: '/confirm-email', success: 200, refused: 'password_rejected', ...BY_EMAIL },
    async subject(service, email = newAddress()) {
      await post(service.app, '/register', { email, password: 'the password of a squatter' })
      return { email, ask: () => post(service.app, '/confirm-email/resend', { email }) }
    },
  },
  'a new address': {
    ...{ mode: 'required', url: '/email-change/confirm', success: 204 },
    ...{ refused: 'invalid_password', ...BY_EMAIL },
    async subject(service, email = newAddress()) {
      const headers = await withSession(service, newAddress(), PASSWORD)
      const payload = { currentPassword: PASSWORD, newEmail: email }
      return { email, ask: () => post(service.app, '/email-change/request', payload, headers) }
    },
  },
  'a password reset': {
    ...{ mode: 'required', url: '/password-reset/confirm', success: 204, member: 'newPassword' },
    ...{ refused: 'password_rejected', life: 1800, says: /30 minutes/ },
    async subject(service, email = newAddress()) {
      await withSession(service, email, FORMER)
      return { email, ask: () => post(service.app, '/password-reset/request', { email }) }
    },
  },
  'a change of the password': {
    ...{ mode: 'required', url: '/password-change/confirm', success: 204, member: 'newPassword' },
    ...{ token: 'changeToken', digits: 6, refused: 'password_rejected', life: 600, says: /10 minutes/ },
    // The change has revoked the session.
    used: 'unauthenticated',
    async subject(service, email = newAddress()) {
      const headers = await withSession(service, email, FORMER)
      const payload = { currentPassword: FORMER }
      return { email, headers, ask: () => post(service.app, '/password-change/request', payload, headers) }
    },
  },
}

/** Token and code of one request, and what its email says. */
async function begin(service: Service, { token = 'requestToken', digits }: Flow, subject: Subject) {
  const { email, ask, headers } = subject
  const { answer, mails } = await withMails(service, service.rows, ask)
  const mail = mailTo(mails, email, SUBJECT)
  const code = codeIn(mail)
  const byCode: Record<string, string> = { [token]: answer.json()[token], code }
  const byLink = digits === undefined ? { token: tokenIn(mail) } : undefined
  return { byCode, code, byLink, headers, text: mail?.text }
}

for (const [name, flow] of Object.entries(FLOWS)) {
  const { mode, url, success, member = 'password', token = 'requestToken', digits = 8, refused } = flow
  t.test(`the code for ${name}`, async t => {
    const service = await startService(t, { EMAIL_CONFIRMATION: mode })
    const { rows } = service
    const request = (one: Subject) => begin(service, flow, one)
    type Begun = Awaited<ReturnType<typeof request>>
    /** Sends a proof, by default the code, in the session of its request. */
    const confirm = ({ headers, byCode }: Begun, proof: object = byCode, password: unknown = PASSWORD) =>
      post(service.app, url, { ...proof, [member]: password }, headers)
    const fresh = async () => request(await flow.subject(service))

    await t.test('works once, with the token of its request, and spends the link', async t => {
      const one = await flow.subject(service)
      const begun = await request(one)
      t.match(begun.code, new RegExp(`^\\d{${digits}}$`))
      const done = await confirm(begun)
      t.equal(done.statusCode, success)
      t.equal((await login(service, one.email)).statusCode, 200)
      isProblemOf(t, await confirm(begun), flow.used ?? 'code_invalid', 'again')
      if (begun.byLink) isProblemOf(t, await confirm(begun, begun.byLink), 'token_spent', 'the link')
      for (const before of ['the password of a squatter', FORMER]) {
        isProblemOf(t, await login(service, one.email, before), 'invalid_credentials')
      }
      if (success === 200) {
        const headers = bearer(done.json().accessToken)
        const me = await service.app.inject({ url: '/me', headers })
        t.match(me.json(), { email: one.email, emailConfirmedAt: String })
      }
    })

    if (digits === 8) {
      await t.test('is spent by any link', async t => {
        const one = await flow.subject(service)
        const [first, second] = [await request(one), await request(one)]
        t.equal((await confirm(first, first.byLink)).statusCode, success)
        for (const begun of [first, second]) isProblemOf(t, await confirm(begun), 'code_invalid')
      })
    }

    await t.test('belongs to its own request only', async t => {
      const one = await flow.subject(service)
      const [first, second] = [await request(one), await request(one)]
      const other = await fresh()
      for (const [begun, { code }] of [
        [first, second],
        [second, first],
        [first, other],
        [other, first],
      ] as const) {
        // Two codes of six digits are the same once in a million runs.
        if (code === begun.code) continue
        isProblemOf(t, await confirm(begun, { ...begun.byCode, code }), 'code_invalid')
      }
      for (const text of [first.byLink?.token ?? 'e.e.e', 'a.b.c', 'nonsense']) {
        isProblemOf(t, await confirm(first, { ...first.byCode, [token]: text }), 'token_invalid')
      }
      if (first.byLink) {
        const swapped = { token: first.byCode[token] }
        isProblemOf(t, await confirm(first, swapped), 'token_invalid', 'a request token is not a link token')
      }
      t.equal((await confirm(first)).statusCode, success)
    })

    await t.test('is blocked after five wrong attempts; the link and a new code work', async t => {
      for (const how of digits === 8 ? ['the link', 'a new code'] : ['a new code']) {
        const one = await flow.subject(service)
        const begun = await request(one)
        const users = (await rows.dump()).users
        const wrong = async (begun: Begun, tries: number) => {
          const proof = { ...begun.byCode, code: otherThan(begun.code) }
          for (let n = 0; n < tries; n++) isProblemOf(t, await confirm(begun, proof), 'code_invalid')
        }
        await wrong(begun, 5)
        isProblemOf(t, await confirm(begun), 'code_invalid', 'the right one')
        t.strictSame((await rows.dump()).users, users, 'nothing changed')
        if (how === 'the link') t.equal((await confirm(begun, begun.byLink)).statusCode, success, how)
        else {
          const next = await request(one)
          await wrong(next, 4)
          t.equal((await confirm(next)).statusCode, success, 'the fifth attempt at a new code')
        }
      }
    })

    await t.test('succeeds once in ten parallel attempts', async t => {
      const one = await flow.subject(service)
      const requests = []
      for (let i = 0; i < 5; i++) requests.push(await request(one))
      const answers = await Promise.all([...requests, ...requests].map(begun => confirm(begun)))
      const codes = answers.map(answer => (answer.statusCode === success ? 'won' : answer.json().code))
      t.equal(codes.filter(code => code === 'won').length, 1)
      const losers = ['won', 'code_invalid', 'token_spent', flow.used]
      t.strictSame(
        codes.filter(code => !losers.includes(code)),
        [],
      )
      t.equal(await rows.client.user.count({ where: { email: one.email } }), 1)
    })

    await t.test('is not spent by a refused password', async t => {
      const one = await flow.subject(service)
      const begun = await request(one)
      const before = await rows.client.guess.count()
      const local = one.email.split('@')[0]
      for (const password of ['short', 'password1', 'x'.repeat(129), 'a NUL \0 in it', one.email, local]) {
        const codes = refused === 'password_rejected' ? [begun.code, otherThan(begun.code)] : [begun.code]
        if (refused === 'invalid_password' && password !== 'short') continue
        for (const code of codes) {
          isProblemOf(t, await confirm(begun, { ...begun.byCode, code }, password), refused, password)
        }
      }
      // A new address needs the password of the account, which can be guessed: that is an attempt.
      t.equal((await rows.client.guess.count()) - before, refused === 'invalid_password' ? 2 : 0)
      t.equal((await confirm(begun)).statusCode, success)
    })

    await t.test('needs its token and no link, and may be pasted', async t => {
      await rows.client.guess.deleteMany()
      const begun = await fresh()
      const { byCode, byLink, code } = begun
      const own = byCode[token] as string
      const proofs: object[] = [{}, { [token]: own }, { code }, { ...byCode, something: 'more' }]
      if (byLink) {
        const both = [byCode, { [token]: own }, { code }, { requestToken: '', code: '' }]
        proofs.push(...both.map(proof => ({ ...byLink, ...proof })), { ...byCode, token: null })
      }
      const malformed = ['', code.slice(1), `${code}0`, `${code} 0`, `${code}a`, 'abcdefgh'.slice(0, digits)]
      for (const typed of [...malformed, Number(code), null, [code]]) proofs.push({ ...byCode, code: typed })
      for (const proof of proofs) {
        isProblemOf(t, await confirm(begun, proof), 'validation_failed', JSON.stringify(proof))
      }
      t.equal(await rows.client.guess.count(), 0, 'none of them was an attempt')
      const grouped = (text: string, by: string) =>
        `${text.slice(0, digits / 2)}${by}${text.slice(digits / 2)}`
      const wrong = { ...byCode, code: grouped(otherThan(code), ' ') }
      isProblemOf(t, await confirm(begun, wrong), 'code_invalid')
      t.match(await rows.client.guess.findMany(), [{ count: 1 }, { count: 1 }], 'one attempt')
      const pasted = { [token]: ` "<${own}>"\n`, code: ` <${grouped(code, '\u00a0')}>\n` }
      t.equal((await confirm(begun, pasted)).statusCode, success)
    })

    await t.test('expires to the second', async t => {
      const [begun, late] = [await fresh(), await fresh()]
      t.match(begun.text, flow.says)
      service.advance(flow.life - 0.001)
      const users = (await rows.dump()).users
      const wrong = { ...begun.byCode, code: otherThan(begun.code) }
      isProblemOf(t, await confirm(begun, wrong), 'code_invalid', 'alive')
      t.strictSame((await rows.dump()).users, users)
      t.equal((await confirm(late)).statusCode, success)
      service.advance(0.001)
      isProblemOf(t, await confirm(begun), 'token_expired')
    })
  })
}

/** For a new address the owner of a count is account and address, for a reset the email. */
const OWNERS = [
  {
    name: 'a new address',
    emails: ['wanted', 'wanted'],
    rival: { password: 'not it', status: 403 },
    late: 409,
  },
  { name: 'a password reset', emails: ['ada', 'bob'], rival: { password: PASSWORD, status: 204 }, late: 400 },
]

for (const { name, emails, rival, late } of OWNERS) {
  t.test(
    `${name}: fifteen attempts an hour over all requests, of which another account spends none`,
    async t => {
      const service = await startService(t, { ACCESS_TOKEN_TTL: '86400' })
      const flow = FLOWS[name] as Flow
      const { url, success, member = 'password' } = flow
      const confirm = (proof: object, password = PASSWORD) =>
        post(service.app, url, { ...proof, [member]: password })
      const subjects: Subject[] = []
      for (const email of emails) subjects.push(await flow.subject(service, `${email}@example.org`))
      const [one, other] = subjects as [Subject, Subject]
      for (let requests = 0; requests < 3; requests++) {
        const { byCode, code } = await begin(service, flow, one)
        const wrong = { ...byCode, code: otherThan(code) }
        for (let tries = 0; tries < 5; tries++) isProblemOf(t, await confirm(wrong), 'code_invalid')
      }
      service.advance(49 * 60 + 59)
      const { byCode } = await begin(service, flow, one)
      isProblemOf(t, await confirm(byCode), 'code_invalid', 'the sixteenth')
      const others = (await begin(service, flow, other)).byCode
      t.equal((await confirm(others, rival.password)).statusCode, rival.status, 'another account')
      service.advance(1)
      t.equal(
        (await confirm(byCode)).statusCode,
        success,
        'in the next hour, the same request and its right code',
      )
      t.equal((await confirm(others)).statusCode, late)
    },
  )
}

t.test('a code is valid for one purpose only', async t => {
  const service = await startService(t)
  const { accessToken, email } = await confirmedAccount(service)
  const headers = bearer(accessToken)
  const asked = async (to: string, act: () => ReturnType<typeof post>) => {
    const { answer, mails } = await withMails(service, service.rows, act)
    return { requestToken: answer.json().requestToken as string, code: codeIn(mailTo(mails, to, /./)) }
  }
  const [pending, next] = [newAddress(), newAddress()]
  const move = { currentPassword: PASSWORD, newEmail: next }
  const hand = {
    '/password-reset/confirm': await asked(email, () =>
      post(service.app, '/password-reset/request', { email }),
    ),
    '/confirm-email': await asked(pending, () => post(service.app, '/register', { email: pending })),
    '/email-change/confirm': await asked(next, () =>
      post(service.app, '/email-change/request', move, headers),
    ),
  }
  for (const [url, { requestToken }] of Object.entries(hand)) {
    const password = url.startsWith('/password-reset') ? 'newPassword' : 'password'
    for (const [other, { code }] of Object.entries(hand)) {
      if (other === url) continue
      const refused = await post(service.app, url, { requestToken, code, [password]: PASSWORD })
      isProblemOf(t, refused, 'code_invalid', `the code of ${other} at ${url}`)
    }
  }
  const { users } = await service.rows.dump()
  t.equal(users.length, 1)
})

t.test('a code confirms in cookie mode, too', async t => {
  const service = await startService(t)
  const flow = FLOWS['a registration'] as Flow
  const { byCode } = await begin(service, flow, await flow.subject(service))
  const done = await post(service.app, '/confirm-email', { ...byCode, password: PASSWORD, mode: 'cookie' })
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
    if (email === 'pendi@example.org') await post(service.app, '/register', { email })
    const { answer } = await withMails(service, rows, () =>
      post(service.app, '/confirm-email/resend', { email }),
    )
    const before = await rows.client.guess.count()
    const tries = []
    for (let i = 0; i < 6; i++) {
      const proof = { requestToken: answer.json().requestToken, code: '00000000', password: PASSWORD }
      tries.push(visible(await post(service.app, '/confirm-email', proof)))
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
  for (const name of ['a registration', 'a new address']) {
    const { url, success, subject } = FLOWS[name] as Flow
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
  await withMails(service, service.rows, () => post(service.app, '/register', { email }))
  const { mails } = await withMails(service, service.rows, () =>
    post(service.app, '/password-reset/request', { email }),
  )
  t.match(mails[0]?.subject, /^Confirm your/)
  t.throws(() => codeIn(mails[0]))
})
