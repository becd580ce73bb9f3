/** Request ids and traces: whose headers are accepted, and how far they are propagated. */
import type { InjectOptions } from 'fastify'
import t from 'tap'
import { confirmedAccount, startApp, tokenIn } from '../../harness/app.ts'
import { codeIn, mailTo, withMails } from '../../harness/mailbox.ts'
import { openRows } from '../../harness/rows.ts'
import { until } from '../../harness/until.ts'

const PROXY = '10.1.2.3'
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const TRACEPARENT = `00-${TRACE}-${SPAN}-01`
const UUID = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/

const INVENTED = {
  'too long': 'a'.repeat(65),
  'an address': 'ada@example.org',
  'two values': 'one, two',
  'a space': 'one two',
  markup: '<b>',
  'a path': '../../etc',
  quotes: '"id"',
  'another alphabet': 'идентификатор',
  words: 'Call-0800-123456',
}

t.test('accepts x-request-id and traceparent from a trusted proxy', async t => {
  const world = await startApp(t, { env: { TRUST_PROXY: '10.0.0.0/8' } })
  const { app, log } = world
  const ask = async (remoteAddress: string, headers: Record<string, string>) => {
    const before = log.length
    const answer = await app.inject({ url: '/me', remoteAddress, headers })
    const lines = log.slice(before).filter(({ requestId }) => requestId !== undefined)
    return { id: answer.headers['x-request-id'] as string, lines, inBody: answer.json().requestId }
  }

  for (const peer of [PROXY, `::ffff:${PROXY}`]) {
    const taken = await ask(peer, { 'x-request-id': '1f3c0a9e7b', traceparent: TRACEPARENT })
    t.equal(taken.id, '1f3c0a9e7b', `${peer}: header field`)
    t.equal(taken.inBody, '1f3c0a9e7b', `${peer}: problem document`)
    t.ok(taken.lines.length > 0)
    for (const line of taken.lines) {
      t.match(line, { requestId: '1f3c0a9e7b', trace_id: TRACE, span_id: SPAN, trace_flags: '01' }, peer)
    }
  }

  const strangers: [string, string, Record<string, string>][] = [
    ['a client', '203.0.113.9', {}],
    ['a client that names a proxy', '203.0.113.9', { 'x-forwarded-for': PROXY }],
    ['a client of this machine', '127.0.0.1', {}],
  ]
  for (const [name, peer, headers] of strangers) {
    const refused = await ask(peer, { ...headers, 'x-request-id': 'injected', traceparent: TRACEPARENT })
    t.match(refused.id, UUID, name)
    t.notMatch(JSON.stringify(refused.lines), /injected|trace_id|b7ad6b/, name)
  }

  for (const [name, value] of Object.entries(INVENTED)) {
    const refused = await ask(PROXY, { 'x-request-id': value, traceparent: value })
    t.match(refused.id, UUID, name)
    t.notOk(JSON.stringify(refused.lines).includes(value), name)
    t.notMatch(JSON.stringify(refused.lines), /trace_id/, name)
  }
})

t.test('without TRUST_PROXY ids and traces of clients are ignored', async t => {
  const { app, log } = await startApp(t)
  const headers = { 'x-request-id': 'injected', traceparent: TRACEPARENT }
  const answer = await app.inject({ url: '/me', headers })
  t.match(answer.headers['x-request-id'], UUID)
  t.notMatch(JSON.stringify(log), /injected|trace_id/)
})

t.test('log lines of an email have the id and trace of its request', async t => {
  const service = await startApp(t, { env: { TRUST_PROXY: '10.0.0.0/8' } })
  const { app, log, databaseUrl } = service
  const rows = await openRows(t, databaseUrl)
  const account = await confirmedAccount(service)
  const known = await rows.client.outbox.findMany()
  const seen = new Set(known.map(({ id }) => id))
  const faults: string[] = []
  const kinds = new Set<string>()
  let last = 0
  const step = async (options: InjectOptions) => {
    const id = `beef-${++last}`
    const headers = { ...options.headers, 'x-request-id': id, traceparent: TRACEPARENT }
    const caused = await withMails(service, rows, () =>
      app.inject({ method: 'POST', ...options, headers, remoteAddress: PROXY }),
    )
    if (caused.answer.statusCode >= 400) faults.push(`${options.url}: ${caused.answer.body}`)
    const filed = (await rows.client.outbox.findMany()).filter(row => !seen.has(row.id))
    for (const row of filed) {
      seen.add(row.id)
      kinds.add(row.kind)
      if (row.requestId !== id || row.traceparent !== TRACEPARENT) faults.push(`row of ${row.kind}`)
      const lines = () => log.filter(({ mail }) => mail === row.id)
      await until(`a line of ${row.kind}`, () => lines().length > 0)
      const isOf = (line: Record<string, unknown>) => line['requestId'] === id && line['trace_id'] === TRACE
      if (!lines().every(isOf)) faults.push(`lines of ${row.kind}`)
    }
    return caused
  }

  const { email, password } = account
  const bearer = ({ accessToken }: { accessToken: string }) => ({ authorization: `Bearer ${accessToken}` })
  await step({ url: '/register', payload: { email: 'new@example.org' } })
  await step({ url: '/confirm-email/resend', payload: { email: 'new@example.org' } })
  const device = { 'user-agent': 'HTTPie/3.2.2' }
  const first = await step({ url: '/login', payload: { email, password }, headers: device })
  const change = await step({
    url: '/password-change/request',
    payload: { currentPassword: password },
    headers: bearer(first.answer.json()),
  })
  const newPassword = 'a staple of correct batteries'
  const { changeToken } = change.answer.json()
  await step({
    url: '/password-change/confirm',
    payload: { changeToken, code: codeIn(change.mails[0]), newPassword },
    headers: bearer(first.answer.json()),
  })
  const reset = await step({ url: '/password-reset/request', payload: { email } })
  await step({ url: '/password-reset/confirm', payload: { token: tokenIn(reset.mails[0]), newPassword } })
  const { answer } = await step({ url: '/login', payload: { email, password: newPassword } })
  const headers = bearer(answer.json())
  const newEmail = 'moved@example.org'
  const move = await step({
    url: '/email-change/request',
    payload: { currentPassword: newPassword, newEmail },
    headers,
  })
  const token = tokenIn(mailTo(move.mails, newEmail, /./))
  const moved = await step({ url: '/email-change/confirm', payload: { token, password: newPassword } })
  const notice = tokenIn(mailTo(moved.mails, email, /./))
  await step({ url: '/account/secure', payload: { token: notice, email } })
  const leaver = await confirmedAccount(service)
  for (const { id } of await rows.client.outbox.findMany()) seen.add(id)
  await step({
    method: 'DELETE',
    url: '/me',
    payload: { currentPassword: leaver.password },
    headers: bearer(leaver),
  })

  t.strictSame(faults, [])
  t.strictSame([...kinds].sort(), [
    'account_secured',
    'confirmation_resend',
    'email_change',
    'email_change_requested',
    'email_changed',
    'farewell',
    'new_device',
    'password_change_code',
    'password_changed',
    'registration',
    'reset_request',
  ])
})
