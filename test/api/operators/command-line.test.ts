/** The command line and the operators' API are two doors to the same functions. */
import t, { type Test } from 'tap'
import { v7 as uuidv7 } from 'uuid'
import { runCommandLine } from '../../../src/cli/cli.ts'
import { migrationNames, PRISMA_FOLDER } from '../../../src/database/migrations.ts'
import { confirmedAccount, startApp } from '../../harness/app.ts'
import { emptyDatabase, provider } from '../../harness/database.ts'
import { startOperators } from '../../harness/operators.ts'
import { openRows } from '../../harness/rows.ts'

async function world(t: Test) {
  const service = await startApp(t)
  const { ask } = await startOperators(t, service)
  const call = async (line: string, answer?: string, databaseUrl = service.databaseUrl) => {
    const written = { out: '', err: '', asked: '' }
    const code = await runCommandLine(line.split(' '), {
      environment: async () => ({ DATABASE_URL: databaseUrl }),
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
    'keys create desk --all-scopes --expires 9999-12-31T23:59-05:00',
    'keys create desk --all-scopes --expires 9999-12-31T24:00',
    'keys create desk --all-scopes --expires 2027-02-29',
    'users list --created-after 0000-01-01',
    'users list --created-before 9999-12-31T23:59:59.999-00:01',
    'users list --cursor 253402300800000_a',
    'mails list --cursor 253402300800000-01936f3e-8a77-7c3b-9d0e-4f1f2f0c6a55',
    'mails list --limit 999999999999999999999',
    'events --after 9007199254740993',
  ]
  for (const line of wrong) t.match(await call(line), { code: 2, out: '', err: /^latchkey: / }, line)
  t.equal((await json('keys list')).keys.length, 2, 'no refused key is stored')
  const last = await json('keys create desk --all-scopes --expires 9999-12-31T23:59:59.999Z')
  t.equal(last.expiresAt, '9999-12-31T23:59:59.999Z')
  t.match(await call('keys list'), { code: 0, out: /9999-12-31 23:59:59Z/ })
  t.match(await call('users list --created-after 0001-01-01 --created-before 9999-12-31T23:59:59.999Z'), {
    code: 0,
    out: /ID .*EMAIL/,
  })
})

t.test('each command on users does what the API shows afterwards', async t => {
  const { service, ask, call, json } = await world(t)
  const { email } = await confirmedAccount(service)
  t.match(await call('users invite grace@example.org --locale de --role editor'), { code: 0, err: '' })
  const found = await json('users list')
  t.strictSame(found, (await ask('GET', '/users')).json())
  t.strictSame(await json('users list --created-after 1d'), found, 'since a day ago')
  t.strictSame((await json('users list --created-before 1d')).users, [])
  t.strictSame(
    found.users.map(({ email }: { email: string }) => email),
    ['grace@example.org', email],
  )
  const { id, ...details } = await json(`users show ${email}`)
  t.match(details, {
    email,
    sessions: [{ device: String, lastUsedAt: String }],
    events: [{ kind: 'registered', userId: id, actor: null, target: null }],
  })
  for (const user of [email, id, 'grace@example.org']) {
    const shown = await json(`users show ${user}`)
    t.strictSame(shown, (await ask('GET', `/users/${shown.id}`)).json(), 'one account, by both doors')
  }
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
    // What is not given stays.
    ['set-claims EMAIL --no-roles', { roles: [], claims: { plan: 'pro' } }, 'claims_changed'],
    ['set-claims EMAIL --role editor', { roles: ['editor'], claims: { plan: 'pro' } }, 'claims_changed'],
    ['set-claims EMAIL --claims {}', { roles: ['editor'], claims: {} }, 'claims_changed'],
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

t.test('mails that failed are retried and mails that wait are cancelled', async t => {
  const { service, ask, call, json } = await world(t)
  const { client } = await openRows(t, service.databaseUrl)
  const later = new Date(service.app.clock().getTime() + 3_600_000)
  const file = async (state: string, recipient: string) => {
    const times = { createdAt: service.app.clock(), nextAttemptAt: later }
    const finishedAt = state === 'dead' ? later : null
    const mail = { id: uuidv7(), kind: 'farewell', recipient, state, attempts: 1, ...times, finishedAt }
    return (await client.outbox.create({ data: mail })).id
  }
  const [waits, dead] = [await file('queued', 'ada@example.org'), await file('dead', 'bob@example.org')]
  const others = [await file('dead', 'carol@example.org'), await file('dead', 'dan@example.org')]

  t.match(await call(`mails cancel ${waits}`), { code: 2, err: /Cancel the email farewell to ada@/ })
  t.strictSame(await json(`mails cancel ${waits} --yes`), (await ask('GET', `/mails/${waits}`)).json())
  t.match(await call(`mails cancel ${waits} --yes`), {
    code: 4,
    err: /^latchkey: The email is cancelled already/,
  })
  t.match(await call(`mails cancel ${dead} --yes`), { code: 4, err: /^latchkey: The email is a dead letter/ })
  t.match(await call(`mails retry ${dead}`), { code: 0, out: /^The email is due now\./ })
  t.strictSame((await json('mails retry --dead')).retried.sort(), others.sort())
  t.strictSame(await json('mails retry --dead'), { retried: [] })
  service.app.mail.wake()
  for (const name of ['bob', 'carol', 'dan']) await service.smtp.waitForMail(`${name}@example.org`, /./, 0)
  const { events } = (await ask('GET', '/events')).json()
  t.strictSame(
    events
      .filter(({ kind }: { kind: string }) => kind.startsWith('mail_'))
      .map(({ kind, actor, target }: Record<string, string>) => [kind, actor, target])
      .sort(),
    [['mail_cancelled', 'cli', waits], ...[dead, ...others].map(id => ['mail_retried', 'cli', id])].sort(),
  )
  t.equal((await json(`mails show ${waits}`)).state, 'cancelled')
})

t.test('migrate makes the tables that the other commands ask for', async t => {
  const { call } = await world(t)
  const run = async (line: string, url?: string) => {
    const { code, out, err } = await call(line, undefined, url)
    return { code, said: out + err }
  }
  t.strictSame(await run('migrate --json'), { code: 0, said: '{"applied":[],"newer":[]}\n' })
  const url = await emptyDatabase(t)
  t.match(await run('users list', url), {
    code: 5,
    said: /^latchkey: (There is no database|The database lacks migrations)/,
  })
  const names = migrationNames(PRISMA_FOLDER, provider)
  t.strictSame(await run('migrate --json', url), {
    code: 0,
    said: `${JSON.stringify({ applied: names, newer: [] })}\n`,
  })
  t.match(await run('migrate', url), { code: 0, said: 'The database is up to date.\n' })
  t.match(await run('users list', url), { code: 0, said: /^No account matches\. .*users show EMAIL\.\n$/ })
})
