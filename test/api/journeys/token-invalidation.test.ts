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
  /** Causes the event; replaces the service of the world if another instance is to be asked afterwards. */
  happen(world: World): Promise<unknown>
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

/** A request that must succeed. */
async function call(
  { app }: TestApp,
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  url: string,
  { payload, as }: { payload?: object; as?: Session } = {},
) {
  const headers = as === undefined ? {} : bearer(as)
  const { statusCode, body } = await app.inject({ method, url, headers, ...(payload && { payload }) })
  if (statusCode >= 300) throw new Error(`${statusCode} ${body}`)
}

const post = (service: TestApp, url: string, payload: object, as?: Session) =>
  call(service, 'POST', url, { payload, ...(as && { as }) })

/** Each row is one event; the columns say what stays valid after it. */
const table: Row[] = [
  {
    event: 'nothing',
    happen: async () => {},
    ...everything('alive'),
  },
  {
    event: 'reset confirmed',
    happen: ({ service, resetLinks: [token] }) =>
      post(service, '/password-reset/confirm', { token, newPassword }),
    ...everything('dead'),
    // An attacker may have caused the event, so the owner must still be able to report it.
    secureLinks: 'alive',
  },
  {
    event: 'reset confirmed by a code',
    happen: ({ service, resetCodes: [first] }) =>
      post(service, '/password-reset/confirm', {
        requestToken: first?.token,
        code: first?.code,
        newPassword,
      }),
    ...everything('dead'),
    secureLinks: 'alive',
  },
  {
    event: 'password changed',
    happen: ({ service, here, hereChange: { token, code } }) =>
      post(service, '/password-change/confirm', { changeToken: token, code, newPassword }, here),
    ...everything('dead'),
    secureLinks: 'alive',
  },
  {
    event: 'email changed',
    happen: ({ service, emailLinks: [token] }) => post(service, '/email-change/confirm', { token, password }),
    ...everything('dead'),
    ...{ secureLinks: 'alive', here: 'alive', elsewhere: 'alive' },
  },
  {
    event: 'address confirmed',
    happen: ({ service, confirmLinks: [token] }) => post(service, '/confirm-email', { token, password }),
    // The account was created unconfirmed, so this is a reset.
    ...everything('dead'),
    secureLinks: 'alive',
  },
  {
    event: 'account secured',
    happen: ({ service, secureLinks: [token] }) => post(service, '/account/secure', { token, email }),
    ...everything('dead'),
  },
  {
    event: 'log in',
    happen: ({ service }) => post(service, '/login', { email, password }),
    ...everything('alive'),
  },
  {
    event: 'log in with a wrong password',
    happen: async ({ service }) => {
      const payload = { email, password: 'not this one at all' }
      await service.app.inject({ method: 'POST', url: '/login', payload })
    },
    ...everything('alive'),
  },
  {
    event: 'stored hash upgraded at log in',
    happen: async world => {
      const { t, service, rows, time } = world
      const { passwordHash } = await rows.client.user.findUniqueOrThrow({ where: { email } })
      await service.app.close()
      const { databaseUrl, smtp } = service
      const env = { EMAIL_CONFIRMATION: 'off', ARGON2_TIME_COST: '3' }
      world.service = await startApp(t, { databaseUrl, smtp, env, overrides: { clock: time.clock } })
      await post(world.service, '/login', { email, password })
      const upgraded = await rows.client.user.findUniqueOrThrow({ where: { email } })
      if (upgraded.passwordHash === passwordHash) throw new Error('the hash was not upgraded')
    },
    ...everything('dead'),
    ...{ secureLinks: 'alive', here: 'alive', elsewhere: 'alive' },
  },
  {
    event: 'log out',
    happen: ({ service, here }) => call(service, 'POST', '/logout', { as: here }),
    ...everything('alive'),
    here: 'dead',
  },
  {
    event: 'session ended by another device',
    happen: async ({ service, here, elsewhere }) => {
      const listed = await service.app.inject({ url: '/sessions', headers: bearer(here) })
      const { id } = listed.json().sessions.find(({ current }: { current: boolean }) => current)
      await call(service, 'DELETE', `/sessions/${id}`, { as: elsewhere })
    },
    ...everything('alive'),
    here: 'dead',
  },
  {
    event: 'all other sessions ended',
    happen: ({ service, here }) => call(service, 'DELETE', '/sessions', { as: here }),
    ...everything('alive'),
    elsewhere: 'dead',
  },
  {
    event: 'language changed and data exported',
    happen: async ({ service, here }) => {
      await call(service, 'PATCH', '/me', { as: here, payload: { locale: 'de' } })
      await call(service, 'GET', '/me/export', { as: here })
    },
    ...everything('alive'),
  },
  {
    event: 'refresh token replayed',
    happen: async ({ service, time, here }) => {
      const refresh = (refreshToken: string) =>
        service.app.inject({ method: 'POST', url: '/token/refresh', payload: { refreshToken } })
      const next = await refresh(here.refreshToken)
      if (next.statusCode !== 200) throw new Error(next.body)
      time.advance(11)
      await refresh(here.refreshToken)
      here.refreshToken = next.json().refreshToken
    },
    ...everything('alive'),
    here: 'dead',
  },
  {
    event: 'account disabled',
    happen: ({ rows }) => rows.disable(email),
    ...everything('dead'),
  },
  {
    event: 'account disabled and enabled again',
    happen: async ({ rows }) => {
      await rows.disable(email)
      await rows.enable(email)
    },
    ...everything('dead'),
  },
  {
    event: 'account deleted',
    happen: ({ service, here }) =>
      call(service, 'DELETE', '/me', { as: here, payload: { currentPassword: password } }),
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
    await row.happen(world)
    const { app } = world.service
    const post = (url: string, payload: object, headers = {}) =>
      app.inject({ method: 'POST', url, payload, headers })
    async function check(
      what: string,
      answer: ReturnType<typeof post>,
      fate: Validity,
      success: string,
      refusal: string,
    ) {
      const { statusCode, body } = await answer
      const outcome = statusCode < 300 ? String(statusCode) : `${statusCode} ${JSON.parse(body).code}`
      t.equal(outcome, fate === 'alive' ? success : refusal, what)
    }
    const wrong = 'not this one at all'

    // Checks that use up nothing come first, then those that void nothing else.
    for (const session of ['here', 'elsewhere'] as const) {
      const { [session]: fate, changes } = row
      const { token, code } = world[`${session}Change`]
      // A wrong code is checked only with a valid token.
      const change = post(
        '/password-change/confirm',
        { changeToken: token, code: otherThan(code), newPassword },
        bearer(world[session]),
      )
      const spent = changes === 'alive' ? '400 code_invalid' : '400 token_spent'
      await check(`change ${session}`, change, fate, spent, '401 unauthenticated')
      const me = app.inject({ url: '/me', headers: bearer(world[session]) })
      await check(`access ${session}`, me, fate, '200', '401 unauthenticated')
      const { refreshToken } = world[session]
      const refresh = post('/token/refresh', { refreshToken })
      await check(`refresh ${session}`, refresh, fate, '200', '401 refresh_token_invalid')
    }
    for (const token of world.resetLinks) {
      const answer = post('/password-reset/check', { token })
      await check('reset link', answer, row.resetLinks, '200', '400 token_spent')
    }
    for (const token of world.emailLinks) {
      const answer = post('/email-change/confirm', { token, password: wrong })
      await check(
        'link to another address',
        answer,
        row.emailLinks,
        '403 invalid_password',
        '400 token_spent',
      )
    }
    for (const { token, code } of world.emailCodes) {
      const answer = post('/email-change/confirm', { requestToken: token, code, password: wrong })
      await check('code beside that link', answer, row.emailLinks, '403 invalid_password', '400 code_invalid')
    }
    // A rejected password uses up nothing; a confirmation would be a reset.
    for (const token of world.confirmLinks) {
      const answer = post('/confirm-email', { token, password: 'short' })
      await check('confirm link', answer, row.confirmLinks, '422 password_rejected', '400 token_spent')
    }

    // A right code would confirm the account, which voids the rest (mailed-codes.test.ts).
    for (const { token, code } of row.confirmLinks === 'dead' ? world.confirmCodes : []) {
      const answer = post('/confirm-email', { requestToken: token, code, password: newPassword })
      await check('code beside a confirm link', answer, 'dead', '', '400 code_invalid')
    }

    /** Success uses up the token, so only the last one is tried if it is expected to work. */
    const lastIf = <T>(fate: Validity, all: T[]) => (fate === 'alive' ? all.slice(-1) : all)
    for (const { token, code } of lastIf(row.resetLinks, world.resetCodes)) {
      const answer = post('/password-reset/confirm', { requestToken: token, code, newPassword })
      await check('code beside a reset link', answer, row.resetLinks, '204', '400 code_invalid')
    }
    for (const token of lastIf(row.secureLinks, world.secureLinks)) {
      const answer = post('/account/secure', { token, email })
      await check('link that secures', answer, row.secureLinks, '204', '400 token_spent')
    }
  })
}
