// Brute force against emailed codes, and codes in places where they must not be stored.
import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import type { User } from '../../src/database/queries/users.ts'
import { boundParts } from '../../src/tokens/fingerprint.ts'
import { confirmedAccount, startApp, type TestApp, testClock } from '../harness/app.ts'
import { codeIn, otherThan, withMails } from '../harness/mailbox.ts'
import { openRows, type Rows } from '../harness/rows.ts'
import { claimsOf } from '../unit/tokens/forge.ts'
import { tally } from './tally.ts'

const newPassword = 'a password that nobody had before'
/** Per flow and hour; each request alone would allow five attempts. */
const REQUESTS = 20
/** Access tokens that outlive the hours of these tests. */
const env = { ACCESS_TOKEN_TTL: '86400' }

type Service = TestApp & { rows: Rows; email: string; password: string; headers: { authorization: string } }

async function serviceWithAccount(t: Test, overrides = {}): Promise<Service> {
  const service = await startApp(t, { env, overrides })
  const rows = await openRows(t, service.databaseUrl)
  const { email, password, accessToken } = await confirmedAccount(service)
  return { ...service, rows, email, password, headers: { authorization: `Bearer ${accessToken}` } }
}

/** A request whose code is to be guessed. */
interface Begun {
  token: string
  /** The code in the email. */
  code: string
}

/** Both flows with a code, as an attacker without access to the mailbox uses them. */
const flows = {
  'a password reset': {
    digits: 8,
    ask: ({ app, email }: Service) =>
      app.inject({ method: 'POST', url: '/password-reset/request', payload: { email } }),
    tokenIn: (body: { requestToken: string }) => body.requestToken,
    codeOf: async ({ app, rows }: Service, token: string, user: User) => {
      const request = { challengeId: claimsOf(token)['sub'] as string }
      const { mailId } = await rows.client.outbox.findFirstOrThrow({ where: request })
      return app.tokens.resetRequest.codes.make(mailId as string, ...boundParts(user))
    },
    guess: ({ app }: Pick<Service, 'app'>, token: string, code: string) =>
      app.inject({
        method: 'POST',
        url: '/password-reset/confirm',
        payload: { requestToken: token, code, newPassword },
      }),
  },
  'a change of the password': {
    digits: 6,
    ask: ({ app, headers, password }: Service) =>
      app.inject({
        method: 'POST',
        url: '/password-change/request',
        payload: { currentPassword: password },
        headers,
      }),
    tokenIn: (body: { changeToken: string }) => body.changeToken,
    codeOf: async ({ app }: Service, token: string, user: User) =>
      app.tokens.changeCode.make(claimsOf(token)['jti'] as string, ...boundParts(user)),
    guess: ({ app, headers }: Pick<Service, 'app' | 'headers'>, token: string, code: string) =>
      app.inject({
        method: 'POST',
        url: '/password-change/confirm',
        payload: { changeToken: token, code, newPassword },
        headers,
      }),
  },
}

for (const [flow, { digits, ask, tokenIn, codeOf, guess }] of Object.entries(flows)) {
  const begin = async (service: Service): Promise<Begun> => {
    const { answer, mails } = await withMails(service, service.rows, () => ask(service))
    return { token: tokenIn(answer.json()), code: codeIn(mails[0]) }
  }

  t.test(`${flow}: 20 requests share fifteen attempts per hour`, async t => {
    const time = testClock(new Date('2030-01-01T00:00:00Z'))
    const service = await serviceWithAccount(t, { clock: time.clock })
    const { answer: tokens, mails } = await withMails(service, service.rows, async () => {
      const answers = []
      for (let request = 0; request < REQUESTS; request++) answers.push(await ask(service))
      return answers.map(answer => tokenIn(answer.json()))
    })
    const user = await service.rows.client.user.findUniqueOrThrow({ where: { email: service.email } })
    // Emails arrive in any order; with the key, the test knows which code belongs to which.
    const begun: Begun[] = await Promise.all(
      tokens.map(async token => ({ token, code: await codeOf(service, token, user) })),
    )
    t.strictSame(mails.map(codeIn).sort(), begun.map(({ code }) => code).sort(), 'the codes of the mails')
    const wrong = []
    for (const { token, code } of begun.slice(0, 14)) wrong.push(await guess(service, token, otherThan(code)))
    t.strictSame(tally(wrong), { '400 code_invalid': 14 })

    const last = begun.at(-1) as Begun
    wrong.push(await guess(service, last.token, otherThan(last.code)))
    const right = []
    for (const { token, code } of begun) right.push(await guess(service, token, code))
    t.strictSame(
      tally(right),
      { '400 code_invalid': REQUESTS },
      'from the 16th attempt on, right codes are refused',
    )

    time.advance(3600)
    const next = await begin(service)
    t.equal((await guess(service, next.token, next.code)).statusCode, 204, 'an hour later a new one works')
  })

  t.test(`${flow}: the fifteenth attempt is still checked`, async t => {
    const time = testClock(new Date('2030-01-01T00:00:00Z'))
    const service = await serviceWithAccount(t, { clock: time.clock })
    const begun = [await begin(service), await begin(service), await begin(service), await begin(service)]
    for (let tries = 0; tries < 14; tries++) {
      const { token, code } = begun[tries % 4] as Begun
      t.equal((await guess(service, token, otherThan(code))).json().code, 'code_invalid')
    }
    // The fourth attempt of this request, the fifteenth of the account.
    const { token, code } = begun[3] as Begun
    t.equal((await guess(service, token, code)).statusCode, 204)
  })

  t.test(`${flow}: attempts are counted over all instances`, async t => {
    const service = await serviceWithAccount(t)
    const { databaseUrl, smtp } = service
    const second = { ...service, ...(await startApp(t, { databaseUrl, smtp, env })) }
    const { token, code } = await begin(service)
    for (let tries = 0; tries < 5; tries++) {
      const refused = await guess(tries % 2 ? service : second, token, otherThan(code))
      t.equal(refused.json().code, 'code_invalid')
    }
    for (const instance of [service, second]) {
      t.equal((await guess(instance, token, code)).json().code, 'code_invalid', 'locked at both')
    }
    const next = await begin(service)
    t.equal((await guess(second, next.token, next.code)).statusCode, 204, 'each accepts a code of the other')
  })

  t.test(`${flow}: the code is in no table, token or log`, async t => {
    const service = await serviceWithAccount(t)
    const { client } = service.rows
    const begun: Begun[] = []
    for (let request = 0; request < 6; request++) begun.push(await begin(service))
    t.equal(new Set(begun.map(({ code }) => code)).size, begun.length, 'each request has a different code')
    for (const { token, code } of begun) {
      t.match(code, new RegExp(`^\\d{${digits}}$`))
      await guess(service, token, otherThan(code))
    }
    const stored = JSON.stringify([
      await service.rows.dump(),
      await client.guess.findMany(),
      await client.event.findMany(),
    ])
    const log = JSON.stringify(service.log)
    t.ok(stored.includes(service.email), 'the dump is one')
    t.ok(log.includes('/confirm'), 'the log is one')
    for (const { token, code } of begun) {
      const claims = claimsOf(token)
      // Bounded, because a longer number may contain the digits.
      const alone = new RegExp(`(?<![\\w.-])${code}(?![\\w.-])`)
      for (const [place, text] of Object.entries({ stored, log, claims: JSON.stringify(claims) })) {
        t.notMatch(text, alone, `the code is not in: ${place}`)
      }
      t.notOk(stored.includes(token) || log.includes(token), 'nor is the token stored elsewhere')
      // An unkeyed hash of the code could be reversed by ten million digests, which take seconds.
      const salts = ['', ...Object.values(claims).map(String)]
      for (const hash of ['md5', 'sha1', 'sha256', 'sha512']) {
        for (const message of salts.flatMap(salt => [code + salt, salt + code, `${salt}:${code}`])) {
          const digest = createHash(hash).update(message).digest()
          for (const form of ['hex', 'base64', 'base64url'] as const) {
            const text = digest.toString(form).slice(0, 16)
            if (stored.includes(text) || JSON.stringify(claims).includes(text)) {
              t.fail(`a bare ${hash} of the code is kept`)
            }
          }
        }
      }
    }
  })
}

t.test('a code cannot be derived from database and token without the key', async t => {
  const service = await serviceWithAccount(t)
  const { databaseUrl, smtp, email } = service
  const { answer, mails } = await withMails(service, service.rows, () =>
    flows['a password reset'].ask(service),
  )
  const user = await service.rows.client.user.findUniqueOrThrow({ where: { email } })
  const request = { challengeId: claimsOf(answer.json().requestToken)['sub'] as string }
  const { mailId } = await service.rows.client.outbox.findFirstOrThrow({ where: request })
  const parts = [mailId as string, ...boundParts(user)]
  t.equal(
    service.app.tokens.resetRequest.codes.make(...parts),
    codeIn(mails[0]),
    'all inputs of the code except the key',
  )
  const stranger = await startApp(t, {
    ...{ databaseUrl, smtp },
    env: { JWT_SECRET: 'a secret that the reader has made up' },
  })
  t.not(stranger.app.tokens.resetRequest.codes.make(...parts), codeIn(mails[0]))
})
