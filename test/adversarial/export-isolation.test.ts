// Nothing that the owner of an account can read depends on the state of another address.
import t, { type Test } from 'tap'
import { housekeeper } from '../../src/jobs/housekeeping.ts'
import { confirmedAccount, startApp, testClock } from '../harness/app.ts'
import { openRows } from '../harness/rows.ts'
import { startSmtpServer } from '../harness/smtp.ts'
import { claimsOf } from '../unit/tokens/forge.ts'

type State = 'unknown' | 'pending' | 'known' | 'disabled' | 'deleted' | 'asked for'

/** States of the other address, and whether its mailbox accepts emails. */
const CASES: [State, 'takes' | 'refuses'][] = [
  ['unknown', 'takes'],
  ['unknown', 'refuses'],
  ['known', 'takes'],
  ['known', 'refuses'],
  ['pending', 'takes'],
  ['disabled', 'refuses'],
  ['deleted', 'takes'],
  ['asked for', 'refuses'],
]

const PASSWORD = 'correct horse battery staple'
const DAY = 86_400

async function startWorld(t: Test) {
  const time = testClock(new Date('2030-01-01T00:00:00Z'))
  const refusal = { code: 550, text: '5.1.1 no such mailbox' }
  const mailboxes = { refusing: false }
  const smtp = await startSmtpServer(t, {
    respond: (command, address) =>
      mailboxes.refusing && command === 'RCPT' && address.startsWith('target') ? refusal : undefined,
  })
  const service = await startApp(t, { smtp, overrides: { clock: time.clock } })
  const rows = await openRows(t, service.databaseUrl)
  const { sweep } = housekeeper(service.app, { rest: 0 })
  return { ...service, rows, time, sweep, mailboxes }
}
type World = Awaited<ReturnType<typeof startWorld>>

let made = 0

/**
 * Performs the same actions against a target in any state, and collects everything that the requesting account can
 * read.
 */
async function story(world: World, state: State, mailbox: 'takes' | 'refuses'): Promise<string[]> {
  const { app, rows, smtp, time } = world
  const number = String(++made).padStart(4, '0')
  const [email, target] = [`asker-${number}@example.org`, `target-${number}@example.net`]
  const eve = await confirmedAccount(world, email, PASSWORD)
  const inject = (
    method: 'GET' | 'POST' | 'DELETE',
    url: string,
    payload?: object,
    accessToken = eve.accessToken,
  ) =>
    app.inject({
      method,
      url,
      ...(payload && { payload }),
      headers: { authorization: `Bearer ${accessToken}` },
    })
  const askFor = (accessToken?: string) =>
    inject('POST', '/email-change/request', { currentPassword: PASSWORD, newEmail: target }, accessToken)

  world.mailboxes.refusing = false
  if (state === 'pending') {
    await app.inject({ method: 'POST', url: '/register', payload: { email: target, password: PASSWORD } })
  }
  const needsAccount = state === 'known' || state === 'disabled' || state === 'deleted'
  const owner = needsAccount ? await confirmedAccount(world, target, PASSWORD) : undefined
  if (state === 'disabled') await rows.disable(target)
  if (state === 'asked for') {
    const mallory = await confirmedAccount(world, `other-${number}@example.org`, PASSWORD)
    for (let times = 0; times < 4; times++) await askFor(mallory.accessToken)
  }
  await rows.settled()
  world.mailboxes.refusing = mailbox === 'refuses'

  const begin = time.clock().getTime()
  const mailsBefore = smtp.mails.length
  const seen: unknown[] = []
  const look = async () => {
    await rows.settled()
    for (const url of ['/me/export', '/me/events?limit=100', '/sessions', '/me']) {
      const { statusCode, body } = await inject('GET', url)
      seen.push([url, statusCode, body])
    }
  }
  for (let times = 0; times < 2; times++) {
    const { statusCode, body } = await askFor()
    seen.push(['asked', statusCode, body.replace(/(?<="requestToken":")[^"]+/, shapeOf)])
  }
  await look()
  // The owner deletes the account while the request is recorded.
  if (state === 'deleted') await inject('DELETE', '/me', { currentPassword: PASSWORD }, owner?.accessToken)
  for (const seconds of [7 * DAY - 1, 3600, 31 * DAY]) {
    time.advance(seconds)
    await world.sweep()
    const pair = await inject('POST', '/login', { email, password: PASSWORD })
    eve.accessToken = pair.json().accessToken
    await look()
  }
  const own = smtp.mails.slice(mailsBefore).filter(({ to }) => to.includes(email))
  seen.push(own.map(({ subject, text }) => [subject, text]))
  return seen.map(part =>
    JSON.stringify(part)
      .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID')
      .replace(/#token=[\w.-]+/g, '#token=T')
      // Times are kept as seconds since the start, because they could leak the state too.
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, at => `${(Date.parse(at) - begin) / 1000} s`)
      // Replaced last: an id or a token may contain the same digits.
      .replaceAll(number, 'N')
      .replace(/On \w+ \d+, \d{4} at [\d:]+ UTC/g, 'On a day'),
  )
}

/** Length and claims of a request token, without times. */
function shapeOf(token: string): string {
  const { iat, exp, ...claims } = claimsOf(token)
  return `${token.length} ${JSON.stringify(claims)} ${Number(exp) - Number(iat)} s`
}

t.test('exports, histories, sessions and emails do not depend on other accounts', async t => {
  const world = await startWorld(t)
  const [first, ...others] = CASES as [(typeof CASES)[0], ...typeof CASES]
  const expected = await story(world, ...first)
  const requests = (part: string | undefined) =>
    part?.match(/"email_change[^}]*target-N[^}]*null/g)?.length ?? 0
  const exports = expected.filter(part => part.startsWith('["/me/export",200'))
  t.strictSame(
    exports.map(part => part.replaceAll('\\', '')).map(requests),
    [2, 2, 0, 0],
    'on record for a week',
  )
  for (const other of others) t.strictSame(await story(world, ...other), expected, other.join(', '))
})
