/** Each command of docs/deploy.md that can be run, on the database it is for. */
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import pg from 'pg'
import t from 'tap'
import { openConnection } from '../../../src/database/sqlite.ts'
import { emptyDatabase, freshDatabase, providers, type Teardown } from '../../harness/database.ts'
import { serviceEnvironment, startProcess } from '../../harness/process.ts'
import { block, installation, runInFolder } from './commands.ts'

const DOCUMENT = 'docs/deploy.md'
const password = 'correct horse battery staple'
const noPostgres = providers[1]?.skip ?? false

for (const { provider, skip } of providers) {
  t.test(`a backup of ${provider} is restored as deploy.md says`, { skip }, async t => {
    const folder = installation(t)
    mkdirSync(`${folder}/data`)
    const original = provider === 'sqlite' ? 'file:./data/latchkey.db' : await freshDatabase(t, provider)
    const before = await startService(t, folder, original)
    await before.register('ada@example.org')
    const session = await before.login('ada@example.org')
    await runInFolder(folder, block(DOCUMENT, `sh ${provider} backup`), { DATABASE_URL: original })
    await before.register('later@example.org')
    await before.stop()

    const restored = provider === 'sqlite' ? original : await emptyDatabase(t, provider)
    await runInFolder(folder, block(DOCUMENT, `sh ${provider} restore`), { DATABASE_URL: restored })
    const path = restored.replace('file:.', `file:${folder}`)
    await runSql(path, block(DOCUMENT, 'sql after-restore'))
    const after = await startService(t, folder, restored)
    t.equal((await after.login('ada@example.org')).status, 200, 'the account of the backup')
    t.equal((await after.login('later@example.org')).status, 401, 'not the one that was made after it')
    t.equal(await after.me(session.accessToken), 401, 'sessions of the backup are revoked')
    await after.stop()
  })

  t.test(`migrations on ${provider} are marked for a rollback and back`, { skip }, async t => {
    const url = await freshDatabase(t, provider)
    const marked = 'SELECT count(*) AS marked FROM _prisma_migrations WHERE rolled_back_at IS NOT NULL'
    await runSql(url, block(DOCUMENT, 'sql rollback'))
    t.ok(Number((await runSql(url, marked))[0]?.['marked']) > 0, 'the earlier release does not see them')
    await runSql(url, block(DOCUMENT, 'sql upgrade-again'))
    t.match(await migrate(t, url), /The database is up to date/)
  })
}

t.test('a role that owns its database is enough for migrations', { skip: noPostgres }, async t => {
  const admin = process.env['TEST_POSTGRES_URL'] ?? ''
  const name = `accounts_${randomBytes(4).toString('hex')}`
  const statements = block(DOCUMENT, 'sql create')
    .replaceAll(/\baccounts\b/g, name)
    .split('\n')
  t.teardown(async () => {
    await runSql(admin, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    await runSql(admin, `DROP ROLE IF EXISTS ${name}`)
  })
  for (const statement of statements) await runSql(admin, statement)
  const url = new URL(admin)
  url.username = name
  url.password = 'a long random password'
  url.pathname = `/${name}`
  t.match(await migrate(t, url.href), /Applied/)
  const [role] = await runSql(url.href, 'SELECT rolsuper FROM pg_roles WHERE rolname = current_user')
  t.equal(role?.['rolsuper'], false)
})

t.test('the timeouts of a role are set as deploy.md says', { skip: noPostgres }, async t => {
  const url = await freshDatabase(t, 'postgresql')
  const role = `accounts_${randomBytes(4).toString('hex')}`
  await runSql(url, `CREATE ROLE ${role}`)
  t.teardown(() => runSql(process.env['TEST_POSTGRES_URL'] ?? '', `DROP ROLE ${role}`))
  await runSql(url, block(DOCUMENT, 'sql role').replaceAll(' accounts ', ` ${role} `))
  const [row] = await runSql(url, `SELECT rolconfig FROM pg_roles WHERE rolname = '${role}'`)
  t.strictSame(row?.['rolconfig'], [
    'statement_timeout=5s',
    'lock_timeout=2s',
    'idle_in_transaction_session_timeout=10s',
  ])
})

/** The service as a process in its folder, with accounts that need no confirmation. */
async function startService(t: Teardown, cwd: string, databaseUrl: string) {
  const env = serviceEnvironment({ DATABASE_URL: databaseUrl, EMAIL_CONFIRMATION: 'off' })
  const service = startProcess(t, { env, cwd })
  const base = await service.listening()
  const post = (path: string, body: object) =>
    fetch(`${base}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  return {
    async register(email: string) {
      const { status } = await post('/register', { email, password })
      if (status !== 201) throw new Error(`registering failed: ${status}`)
    },
    async login(email: string): Promise<{ status: number; accessToken?: string }> {
      const response = await post('/login', { email, password })
      const { accessToken } = (await response.json()) as { accessToken?: string }
      return { status: response.status, ...(accessToken !== undefined && { accessToken }) }
    },
    me: async (token = '') =>
      (await fetch(`${base}/me`, { headers: { authorization: `Bearer ${token}` } })).status,
    stop: () => service.end('SIGTERM'),
  }
}

/** Brings a database up to date; what the command prints. */
const migrate = async (t: Teardown, url: string) =>
  (await runInFolder(installation(t), 'node dist/bin/migrate.js', { DATABASE_URL: url })).stdout

/** Runs statements on either database; the rows of the last one. */
async function runSql(url: string, sql: string): Promise<Record<string, unknown>[]> {
  if (url.startsWith('file:')) {
    const connection = await openConnection(url)
    try {
      const { columns, rows } = connection.run(sql)
      return rows.map(row => Object.fromEntries(columns.map((column, at) => [column, row[at]])))
    } finally {
      connection.close()
    }
  }
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const result = await client.query(sql)
    return (Array.isArray(result) ? result.at(-1) : result).rows
  } finally {
    await client.end()
  }
}
