/** Which tokens stay valid after which event, as one executed table. */
import t, { type Test } from 'tap'
import { bearer, startApp, type TestApp, testClock, tokenIn } from '../../harness/app.ts'
import { codeIn, mailTo, otherThan, withMails } from '../../harness/mailbox.ts'
import type { Rows } from '../../harness/rows.ts'

const email = 'ada@example.org'
const newEmail = 'countess@example.org'
const password = 'correct horse battery staple'
const newPassword = 'a password that nobody had before'

interface Session {
  accessToken: string
  refreshToken: string
}

/** A token that works together with a code from an email. */
interface Coded {
  token: string
  code: string
}

interface World {
  t: Test
  service: TestApp
  rows: Rows
  time: ReturnType<typeof testClock>
  resetLinks: string[]
  confirmLinks: string[]
  resetCodes: Coded[]
  confirmCodes: Coded[]
  emailLinks: string[]
  emailCodes: Coded[]
  secureLinks: string[]
  /** The session that acts, and its pending change of password. */
  here: Session
  hereChange: Coded
  /** Another session of the same account. */
  elsewhere: Session
  elsewhereChange: Coded
}

type Validity = 'alive' | 'dead'

interface Row {
  event: string
  /** Causes the event; returns the service to use afterwards if it is another instance. */
  happen(world: World): Promise<TestApp | undefined>
  /** The code beside a link becomes invalid with it. */
  resetLinks: Validity
  confirmLinks: Validity
  emailLinks: Validity
  secureLinks: Validity
  /** Change tokens of active sessions. */
  changes: Validity
  /** Refresh and access tokens become invalid with their session. */
  here: Validity
  elsewhere: Validity
}

const everything = (fate: Validity) => ({
  ...{ resetLinks: fate, confirmLinks: fate, emailLinks: fate, secureLinks: fate },
  ...{ changes: fate, here: fate, elsewhere: fate },
})

async function succeed(answer: PromiseLike<{ statusCode: number; body: string }>): Promise<undefined> {
  const { statusCode, body } = await answer
  if (statusCode >= 300) throw new Error(`${statusCode} ${body}`)
}

/** Each row is one event; the columns say what stays valid after it. */
const table: Row[] = [
  {
    event: 'nothing',
    happen: async () => undefined,
    ...everything('alive'),
  },
  {
    event: 'reset confirmed',
    happen: ({ service, resetLinks }) =>
      succeed(
        service.app.inject({
          method: 'POST',
          url: '/password-reset/confirm',
          payload: { token: resetLinks[0], newPassword },
        }),
      ),
    ...everything('dead'),
    // An attacker may have caused the event, so the owner must still be able to report it.
    secureLinks: 'alive',
  },
  {
    event: 'reset confirmed by a code',
    happen: ({ service, resetCodes: [first] }) =>
      succeed(
        service.app.inject({
          method: 'POST',
          url: '/password-reset/confirm',
          payload: { requestToken: first?.token, code: first?.code, newPassword },
        }),
      ),
    ...everything('dead'),
    secureLinks: 'alive',
  },
  {
    event: 'password changed',
    happen: ({ service, here, hereChange }) =>
      succeed(
        service.app.inject({
          method: 'POST',
          url: '/password-change/confirm',
          headers: bearer(here),
          payload: { changeToken: hereChange.token, code: hereChange.code, newPassword },
        }),
      ),
    ...everything('dead'),
    secureLinks: 'alive',
  },
  {
    event: 'email changed',
    happen: ({ service, emailLinks: [first] }) =>
      succeed(
        service.app.inject({
          method: 'POST',
          url: '/email-change/confirm',
          payload: { token: first, password },
        }),
      ),
    ...everything('dead'),
    ...{ secureLinks: 'alive', here: 'alive', elsewhere: 'alive' },
  },
  {
    event: 'address confirmed',
    happen: ({ service, confirmLinks: [first] }) =>
      succeed(
        service.app.inject({ method: 'POST', url: '/confirm-email', payload: { token: first, password } }),
      ),
    // The account was created unconfirmed, so this is a reset.
    ...everything('dead'),
    secureLinks: 'alive',
  },
  {
    event: 'account secured',
    happen: ({ service, secureLinks: [first] }) =>
      succeed(
        service.app.inject({ method: 'POST', url: '/account/secure', payload: { token: first, email } }),
      ),
    ...everything('dead'),
  },
  {
    event: 'log in',
    happen: ({ service }) =>
      succeed(service.app.inject({ method: 'POST', url: '/login', payload: { email, password } })),
    ...everything('alive'),
  },
  {
    event: 'log in with a wrong password',
    happen: async ({ service }) => {
      const payload = { email, password: 'not this one at all' }
      await service.app.inject({ method: 'POST', url: '/login', payload })
      return undefined
    },
    ...everything('alive'),
  },
  {
    event: 'stored hash upgraded at log in',
    happen: async ({ t, service, rows, time }) => {
      const { passwordHash } = await rows.client.user.findUniqueOrThrow({ where: { email } })
      await service.app.close()
      const { databaseUrl, smtp } = service
      const env = { EMAIL_CONFIRMATION: 'off', ARGON2_TIME_COST: '3' }
      const raised = await startApp(t, { databaseUrl, smtp, env, overrides: { clock: time.clock } })
      await succeed(raised.app.inject({ method: 'POST', url: '/login', payload: { email, password } }))
      const upgraded = await rows.client.user.findUniqueOrThrow({ where: { email } })
      if (upgraded.passwordHash === passwordHash) throw new Error('the hash was not upgraded')
      return raised
    },
    ...everything('dead'),
    ...{ secureLinks: 'alive', here: 'alive', elsewhere: 'alive' },
  },
  {
    event: 'log out',
    happen: ({ service, here }) =>
      succeed(
        service.app.inject({
          method: 'POST',
          url: '/logout',
          headers: bearer(here),
        }),
      ),
    ...everything('alive'),
    here: 'dead',
  },
  {
    event: 'session ended by another device',
    happen: async ({ service, here, elsewhere }) => {
      const { app } = service
      const listed = await app.inject({ url: '/sessions', headers: bearer(here) })
      const { id } = listed.json().sessions.find(({ current }: { current: boolean }) => current)
      await succeed(app.inject({ method: 'DELETE', url: `/sessions/${id}`, headers: bearer(elsewhere) }))
      return undefined
    },
    ...everything('alive'),
    here: 'dead',
  },
  {
    event: 'all other sessions ended',
    happen: ({ service, here }) =>
      succeed(service.app.inject({ method: 'DELETE', url: '/sessions', headers: bearer(here) })),
    ...everything('alive'),
    elsewhere: 'dead',
  },
  {
    event: 'language changed and data exported',
    happen: async ({ service, here }) => {
      const headers = bearer(here)
      const payload = { locale: 'de' }
      await succeed(service.app.inject({ method: 'PATCH', url: '/me', headers, payload }))
      await succeed(service.app.inject({ url: '/me/export', headers }))
      return undefined
    },
    ...everything('alive'),
  },
  {
    event: 'refresh token replayed',
    happen: async ({ service, time, here }) => {
      const refresh = (refreshToken: string) =>
        service.app.inject({ method: 'POST', url: '/token/refresh', payload: { refreshToken } })
      const next = await refresh(here.refreshToken)
      await succeed(Promise.resolve(next))
      time.advance(11)
      await refresh(here.refreshToken)
      here.refreshToken = next.json().refreshToken
      return undefined
    },
    ...everything('alive'),
    here: 'dead',
  },
  {
    event: 'account disabled',
    happen: async ({ rows }) => {
      await rows.disable(email)
      return undefined
    },
    ...everything('dead'),
  },
  {
    event: 'account disabled and enabled again',
    happen: async ({ rows }) => {
      await rows.disable(email)
      await rows.enable(email)
      return undefined
    },
    ...everything('dead'),
  },
  {
    event: 'account deleted',
    happen: ({ service, here }) =>
      succeed(
        service.app.inject({
          method: 'DELETE',
          url: '/me',
          headers: bearer(here),
          payload: { currentPassword: password },
        }),
      ),
    ...everything('dead'),
    // A notice undoes the deletion (docs/decisions.md).
    secureLinks: 'alive',
  },
]

/** An unconfirmed account with two links of each kind, two codes and two sessions. */
async function makeWorld(t: Test): Promise<World> {
  const time = testClock()
  const service = await startApp(t, {
    env: { EMAIL_CONFIRMATION: 'off' },
    overrides: { clock: time.clock },
  })
  const { rows } = service
  const { app } = service
  const post = (url: string, payload: object, headers = {}) =>
    withMails(service, rows, () => app.inject({ method: 'POST', url, payload, headers }))
  await post('/register', { email, password })
  const login = await post('/login', { email, password })
  const here: Session = login.answer.json()

  const confirmLinks: string[] = []
  const resetLinks: string[] = []
  const [resetCodes, confirmCodes, emailCodes]: [Coded[], Coded[], Coded[]] = [[], [], []]
  const emailLinks: string[] = []
  const secureLinks: string[] = []
  let elsewhere = here
  for (const device of ['curl', 'HTTPie']) {
    const confirmation = await post('/confirm-email/resend', { email })
    confirmLinks.push(tokenIn(confirmation.mails[0]))
    confirmCodes.push(coded(confirmation.answer, confirmation.mails[0]))
    const reset = await post('/password-reset/request', { email })
    resetLinks.push(tokenIn(reset.mails[0]))
    resetCodes.push(coded(reset.answer, reset.mails[0]))
    const strange = await post('/login', { email, password }, { 'user-agent': device })
    secureLinks.push(tokenIn(strange.mails[0]))
    elsewhere = strange.answer.json()
    const move = await post('/email-change/request', { currentPassword: password, newEmail }, bearer(here))
    emailLinks.push(tokenIn(mailTo(move.mails, newEmail, /./)))
    emailCodes.push(coded(move.answer, mailTo(move.mails, newEmail, /./)))
    time.advance(1)
  }
  const begin = async (session: Session): Promise<Coded> => {
    const change = await post('/password-change/request', { currentPassword: password }, bearer(session))
    return { token: change.answer.json().changeToken, code: codeIn(change.mails[0]) }
  }
  const [hereChange, elsewhereChange] = [await begin(here), await begin(elsewhere)]
  return {
    ...{ t, service, rows, time, here, hereChange, elsewhere, elsewhereChange },
    ...{ resetLinks, confirmLinks, resetCodes, confirmCodes, emailLinks, emailCodes, secureLinks },
  }
}

/** Whether the token of a request and the code in its email are valid. */
const coded = (answer: { json(): { requestToken: string } }, mail: Parameters<typeof codeIn>[0]): Coded => ({
  token: answer.json().requestToken,
  code: codeIn(mail),
})

for (const row of table) {
  t.test(`after ${row.event}`, async t => {
    const world = await makeWorld(t)
    const { app } = (await row.happen(world)) ?? world.service
    const post = (url: string, payload: object, headers = {}) =>
      app.inject({ method: 'POST', url, payload, headers })
    const expected = (fate: Validity, success: string, refusal: string) =>
      fate === 'alive' ? success : refusal
    const outcome = async (answer: ReturnType<typeof post>) => {
      const { statusCode, body } = await answer
      return statusCode < 300 ? String(statusCode) : `${statusCode} ${JSON.parse(body).code}`
    }
    const wrong = 'not this one at all'

    // Checks that use up nothing come first, then those that void nothing else.
    for (const session of ['here', 'elsewhere'] as const) {
      const { token, code } = world[`${session}Change`]
      // A wrong code is checked only with a valid token.
      const change = { changeToken: token, code: otherThan(code), newPassword }
      const dead = row[session] === 'dead' ? '401 unauthenticated' : '400 token_spent'
      t.equal(
        await outcome(post('/password-change/confirm', change, bearer(world[session]))),
        row[session] === 'alive' ? expected(row.changes, '400 code_invalid', dead) : dead,
        `change ${session}`,
      )
      const { accessToken, refreshToken } = world[session]
      const me = app.inject({ url: '/me', headers: bearer(accessToken) })
      t.equal(await outcome(me), expected(row[session], '200', '401 unauthenticated'), `access ${session}`)
      t.equal(
        await outcome(post('/token/refresh', { refreshToken })),
        expected(row[session], '200', '401 refresh_token_invalid'),
        `refresh ${session}`,
      )
    }
    for (const token of world.resetLinks) {
      t.equal(
        await outcome(post('/password-reset/check', { token })),
        expected(row.resetLinks, '200', '400 token_spent'),
        'reset link',
      )
    }
    for (const token of world.emailLinks) {
      t.equal(
        await outcome(post('/email-change/confirm', { token, password: wrong })),
        expected(row.emailLinks, '403 invalid_password', '400 token_spent'),
        'link to another address',
      )
    }
    for (const { token, code } of world.emailCodes) {
      t.equal(
        await outcome(post('/email-change/confirm', { requestToken: token, code, password: wrong })),
        expected(row.emailLinks, '403 invalid_password', '400 code_invalid'),
        'code beside a link to another address',
      )
    }
    // A rejected password uses up nothing; a confirmation would be a reset.
    for (const token of world.confirmLinks) {
      t.equal(
        await outcome(post('/confirm-email', { token, password: 'short' })),
        expected(row.confirmLinks, '422 password_rejected', '400 token_spent'),
        'confirm link',
      )
    }

    // A right code would confirm the account, which voids the rest (mailed-codes.test.ts).
    for (const { token, code } of row.confirmLinks === 'dead' ? world.confirmCodes : []) {
      t.equal(
        await outcome(post('/confirm-email', { requestToken: token, code, password: newPassword })),
        '400 code_invalid',
        'code beside a confirm link',
      )
    }

    /** Success uses up the token, so only the last one is tried if it is expected to work. */
    const lastIf = <T>(fate: Validity, all: T[]) => (fate === 'alive' ? all.slice(-1) : all)
    for (const { token, code } of lastIf(row.resetLinks, world.resetCodes)) {
      t.equal(
        await outcome(post('/password-reset/confirm', { requestToken: token, code, newPassword })),
        expected(row.resetLinks, '204', '400 code_invalid'),
        'code beside a reset link',
      )
    }
    for (const token of lastIf(row.secureLinks, world.secureLinks)) {
      t.equal(
        await outcome(post('/account/secure', { token, email })),
        expected(row.secureLinks, '204', '400 token_spent'),
        'link that secures',
      )
    }
  })
}
