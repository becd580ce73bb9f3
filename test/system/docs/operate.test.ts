/**
 * Every command of docs/operate.md, in its order, beside a running service that `latchkey serve` started. No password,
 * token or key leaves by a command or the log.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import type { Provider } from '../../../src/database/index.ts'
import { freshDatabase, providers } from '../../harness/database.ts'
import { serviceEnvironment, startProcess } from '../../harness/process.ts'
import { openRows } from '../../harness/rows.ts'
import { startSmtpServer } from '../../harness/smtp.ts'
import { until } from '../../harness/until.ts'
import { installation, runInFolder } from './commands.ts'

const ROOT = join(fileURLToPath(import.meta.resolve('#root/package.json')), '..')
const TEXT = readFileSync(join(ROOT, 'docs/operate.md'), 'utf8')
const BLOCKS = [...TEXT.matchAll(/^```sh (\S+)\n(.*?)^```/gms)].map(([, name = '', script = '']) => ({
  name,
  script,
}))

const PASSWORD = 'canary horse battery staple'
const NOBODY = '01936f3e-8a77-7c3b-9d0e-4f1f2f0c6a55'

/** What each block prints. */
const PRINTS: Record<string, RegExp> = {
  'first-look': /^latchkey \d.*"status":"ready".*queued.*carol@.*dead.*bob@.*event/s,
  find: /ada@example\.org.*state +unconfirmed.*Sessions:.*The last events:/s,
  invite: /^grace@example\.org is invited\..*roles +editor reviewer\nclaims +\{"plan":"pro"\}/s,
  unlock: /no longer slow down logins of ada@/,
  disable: /is disabled\..*is enabled\./s,
  'require-reset': /^ada@example\.org gets a reset link/,
  'end-sessions': /^The sessions of ada@example\.org have ended\./,
  export: /^The account ada@example\.org is deleted\.$/,
  mail: /dead +reset_request +bob@example\.org.*state +dead.*attempts +1.*last error .*550.*latchkey mails retry/s,
  retry: /^The email is due now\./,
  'retry-dead': /^Dead letters that are due now: 0$/m,
  cancel: /^The email is cancelled\..*state +cancelled/s,
  events: /mail_retried.*cli.*"kind":"mail_cancelled"/s,
  keys: /^lk_[0-9a-f]{32}_[0-9a-f]{72}\n.*monitoring +active +events:read mails:read/s,
  revoke: /is revoked\.$/m,
  migrate: /^The database is up to date\.$/m,
}

/** A service with one dead letter, one email that waits, and a shell whose PATH has the command line. */
async function world(t: Test, provider: Provider) {
  const folder = installation(t)
  mkdirSync(join(folder, 'bin'))
  const program = join(folder, 'bin/latchkey')
  writeFileSync(program, `#!/bin/sh\nexec node "${folder}/dist/bin/latchkey.cjs" "$@"\n`)
  chmodSync(program, 0o755)

  const refusals = new Map([
    ['bob@example.org', { code: 550, text: 'no such user' }],
    ['carol@example.org', { code: 451, text: 'try again later' }],
  ])
  const smtp = await startSmtpServer(t, {
    respond: (command, address) => (command === 'RCPT' ? refusals.get(address) : undefined),
  })
  const database = provider === 'sqlite' ? 'file:./data/latchkey.db' : await freshDatabase(t, provider)
  const env = serviceEnvironment({
    DATABASE_URL: database,
    EMAIL_CONFIRMATION: 'off',
    MAIL_BACKEND: 'smtp',
    MAIL_SERVER: smtp.host,
    MAIL_PORT: String(smtp.port),
  })
  const service = startProcess(t, {
    env,
    cwd: folder,
    script: [join(folder, 'dist/bin/latchkey.cjs'), 'serve'],
  })
  const base = await service.listening()
  const post = (path: string, body: object) =>
    fetch(`${base}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  for (const name of ['ada', 'bob', 'carol']) {
    const email = `${name}@example.org`
    // A busy machine may refuse to hash.
    await until(`${name} registers`, async () => (await post('/register', { email, password: PASSWORD })).ok)
    t.equal((await post('/password-reset/request', { email })).status, 202)
  }
  const shell = (script: string) =>
    runInFolder(folder, script, {
      DATABASE_URL: database,
      PATH: `${folder}/bin:${process.env['PATH']}`,
    })
  const rows = await openRows(t, database.replace('file:.', `file:${folder}`))
  const mailOf = (recipient: string) =>
    rows.client.outbox.findFirstOrThrow({ where: { recipient, kind: 'reset_request' } })
  const newestKey = () => rows.client.apiKey.findFirstOrThrow({ orderBy: { id: 'desc' } })
  await until('the mail server refused both', async () => {
    const [bob, carol] = [await mailOf('bob@example.org'), await mailOf('carol@example.org')]
    return bob?.state === 'dead' && carol?.attempts === 1
  })
  return {
    ...{ base, post, service, smtp, shell, mailOf, newestKey },
    /** The mail server accepts emails to Bob. Those to Carol wait until they are cancelled. */
    heal: () => refusals.delete('bob@example.org'),
  }
}

/** The words of the fixture and of the commands' results that a reader puts in place of these. */
async function filled(
  script: string,
  { base, mailOf, newestKey }: Awaited<ReturnType<typeof world>>,
): Promise<string> {
  let text = script.replaceAll('http://127.0.0.1:3000', base)
  if (text.includes('MAIL_ID')) text = text.replaceAll('MAIL_ID', (await mailOf('bob@example.org')).id)
  if (text.includes('QUEUED_ID')) text = text.replaceAll('QUEUED_ID', (await mailOf('carol@example.org')).id)
  if (text.includes('KEY_ID')) text = text.replaceAll('KEY_ID', (await newestKey()).id)
  return text
}

t.test('the commands of operate.md work beside a service', async t => {
  const fixture = await world(t, 'sqlite')
  const { service, smtp, post, shell, mailOf, heal } = fixture
  t.strictSame(
    BLOCKS.map(({ name }) => name).sort(),
    Object.keys(PRINTS).sort(),
    'what each block prints is known',
  )
  const login = await post('/login', { email: 'ada@example.org', password: PASSWORD })
  const session = (await login.json()) as { accessToken: string; refreshToken: string }
  const said: Record<string, string> = {}
  for (const { name, script } of BLOCKS) {
    if (name === 'retry') heal()
    const { stdout, stderr } = await shell(await filled(script, fixture))
    said[name] = stdout + stderr
    t.match(stdout.trimEnd(), PRINTS[name] as RegExp, name)
    t.equal(stderr, '', `${name}: nothing on standard error`)
    if (name === 'retry') {
      await until('the retried email is sent', async () => (await mailOf('bob@example.org')).state === 'sent')
    }
  }
  t.notOk(
    smtp.mails.some(({ to }) => to.includes('carol@example.org')),
    'the cancelled email never left',
  )
  const failures: [command: string, code: number][] = [
    [`mails show ${NOBODY}`, 3],
    [`keys revoke ${NOBODY} --yes`, 3],
    [`mails cancel ${(await mailOf('bob@example.org')).id} --yes`, 4],
    ['mails frobnicate', 2],
    [`mails cancel ${NOBODY}`, 3],
    [`keys revoke ${NOBODY}`, 2],
  ]
  for (const [command, code] of failures) {
    const failed = await shell(`latchkey ${command} --json`).catch(error => error)
    t.equal(failed.code, code, command)
    t.match(JSON.parse(failed.stderr), { code: String, message: String })
  }
  const again = await post('/login', { email: 'bob@example.org', password: PASSWORD })
  t.equal(again.status, 200, 'the service goes on')
  await service.end('SIGINT')
  t.strictSame(
    service.log().filter(({ level, msg }) => Number(level) >= 50 && msg !== 'email is a dead letter'),
    [],
    'and logged no failure',
  )

  const [key = ''] = /lk_\w+/.exec(said['keys'] ?? '') ?? []
  const { keys: _, ...others } = said
  const all = Object.values(others).join('') + service.stdout() + service.stderr()
  const mailed = smtp.mails.flatMap(({ text }) =>
    [...text.matchAll(/#token=(\S+)/g)].map(([, token]) => token),
  )
  t.ok(mailed.length > 0)
  for (const secret of [PASSWORD, session.accessToken, session.refreshToken, key.slice(36), ...mailed]) {
    t.notOk(all.includes(String(secret)), 'no secret in any output or the log')
  }
})

// Within the process, api/operators/command-line runs the commands on users, keys, events and emails on both databases.
t.test('commands work beside a service on PostgreSQL', { skip: providers[1]?.skip ?? false }, async t => {
  const fixture = await world(t, 'postgresql')
  const [first] = BLOCKS
  const { stdout, stderr } = await fixture.shell(await filled(first?.script ?? '', fixture))
  t.match(stdout.trimEnd(), PRINTS['first-look'] as RegExp)
  t.equal(stderr, '')
  t.equal(first?.name, 'first-look')
})

t.test('a database that cannot be used is exit code 5, with what to do', async t => {
  const folder = installation(t)
  const run = (url: string) =>
    runInFolder(folder, 'node dist/bin/latchkey.cjs mails list', { DATABASE_URL: url }).catch(error => error)
  const missing = await run('file:./data/latchkey.db')
  t.equal(missing.code, 5)
  t.match(
    missing.stderr,
    /^latchkey: There is no database at .*data\/latchkey\.db\. Run the command in the folder/,
  )
  const away = await run('postgresql://latchkey:geheim@127.0.0.1:1/latchkey')
  t.equal(away.code, 5)
  t.match(away.stderr, /^latchkey: The database does not answer/)
  t.notMatch(away.stderr, /geheim|\n +at /, 'no password, no stack')
})

t.test('in a checkout, the command alone writes to standard output', async t => {
  const command = ['run', '--silent', 'latchkey', '--', 'version', '--json']
  const output = execFileSync('npm', command, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  t.type(JSON.parse(output).version, 'string')
})
