/** The command line and the operators' API are two doors to the same functions. */
import t, { type Test } from 'tap'
import { runCommandLine } from '../../../src/cli/cli.ts'
import { confirmedAccount, startApp } from '../../harness/app.ts'
import { startOperators } from '../../harness/operators.ts'

async function world(t: Test) {
  const service = await startApp(t)
  const { ask } = await startOperators(t, service)
  const call = async (line: string, answer?: string) => {
    const written = { out: '', err: '', asked: '' }
    const code = await runCommandLine(line.split(' '), {
      environment: async () => ({ DATABASE_URL: service.databaseUrl }),
      now: service.app.clock,
      out: text => {
        written.out += text
      },
      err: text => {
        written.err += text
      },
      ask:
        answer === undefined
          ? undefined
          : async question => {
              written.asked = question
              return answer
            },
    })
    return { code, ...written }
  }
  const json = async (line: string) => JSON.parse((await call(`${line} --json`)).out)
  return { service, ask, call, json }
}

t.test('the command line prints what the API returns, and asks before it destroys', async t => {
  const { service, ask, call, json } = await world(t)
  await confirmedAccount(service)

  const created = await json('keys create desk --scope events:read --expires 1d')
  t.match(created, { name: 'desk', scopes: ['events:read'], createdBy: 'cli' })
  const answer = await ask('GET', '/events', undefined, created.key)
  t.equal(answer.statusCode, 200, 'the key works')
  const pairs: [line: string, url: string][] = [
    ['mails list', '/mails'],
    ['mails list --state sent --limit 1', '/mails?state=sent&limit=1'],
    ['events --after 0', '/events'],
    ['events --after 1 --limit 1', '/events?cursor=1&limit=1'],
    ['keys list', '/keys'],
    ['version', '/version'],
  ]
  for (const [line, url] of pairs) t.strictSame(await json(line), (await ask('GET', url)).json(), line)
  const [mail] = (await json('mails list')).mails
  t.strictSame(await json(`mails show ${mail.id}`), (await ask('GET', `/mails/${mail.id}`)).json())

  const revoke = `keys revoke ${created.id}`
  t.match(await call(revoke), { code: 2, err: /Add --yes/ }, 'nobody can be asked')
  t.match(await call(revoke, 'n'), {
    code: 1,
    err: 'latchkey: Nothing was changed.\n',
    asked: /\? \[y\/N\] $/,
  })
  t.match(await call(revoke, ''), { code: 1 })
  t.equal((await json('keys list')).keys.find(({ id }: { id: string }) => id === created.id).revokedAt, null)
  t.match(await call(revoke, 'y'), { code: 0, out: /is revoked/ })
  t.match(await call(`mails retry ${mail.id}`), { code: 4, err: /^latchkey: The email was sent\./ })

  const wrong = [
    'mails list --state lost',
    'mails list --limit 0',
    'mails list --cursor x',
    'mails list --to x',
    'mails retry',
    'mails retry x --dead',
    'events --after x',
    'keys create desk',
    'keys create desk --scope everything',
    'keys create desk --all-scopes --expires yesterday',
    'keys create desk --all-scopes --expires 2020-01-01',
  ]
  for (const line of wrong) t.match(await call(line), { code: 2, out: '', err: /^latchkey: / }, line)
})

t.test('each command on users does what the API shows afterwards', async t => {
  const { service, ask, call, json } = await world(t)
  const { email } = await confirmedAccount(service)
  t.match(await call('users invite grace@example.org --locale de --role editor'), { code: 0, err: '' })
  const found = await json('users list')
  t.strictSame(found, (await ask('GET', '/users')).json())
  t.strictSame(
    found.users.map(({ email }: { email: string }) => email),
    ['grace@example.org', email],
  )
  const { id } = await json(`users show ${email}`)
  const now = async () => (await ask('GET', `/users/${id}`)).json()
  const events = async () =>
    (await ask('GET', '/events')).json().events.map(({ kind }: { kind: string }) => kind) as string[]
  const steps: [line: string, after: object, event: string][] = [
    ['end-sessions EMAIL --yes', { state: 'active' }, 'session_ended'],
    [
      'set-claims EMAIL --role reviewer --claims {"plan":"pro"}',
      { roles: ['reviewer'], claims: { plan: 'pro' } },
      'claims_changed',
    ],
    ['unlock EMAIL', { state: 'active' }, 'unlocked'],
    ['disable EMAIL --yes', { state: 'disabled' }, 'disabled'],
    ['enable EMAIL', { state: 'active' }, 'enabled'],
    ['require-reset EMAIL --yes', { state: 'active' }, 'reset_required'],
    ['invite-again grace@example.org', { state: 'active' }, 'invited'],
  ]
  for (const [line, after, event] of steps) {
    const before = (await events()).length
    t.match(await call(`users ${line.replace('EMAIL', email)}`), { code: 0, err: '' }, line)
    t.match(await now(), after, line)
    t.match((await events()).slice(before), [event], line)
  }
  const exported = await json(`users export ${email}`)
  t.strictSame(exported.account.email ?? exported.email, email)
  t.match(await call(`users delete ${email} --yes`), { code: 0, err: '' })
  t.equal((await ask('GET', `/users/${id}`)).statusCode, 404)
  t.match(await call(`users show ${email}`), { code: 3, out: '' })
})
