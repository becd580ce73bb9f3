import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { PrismaPg } from '@prisma/adapter-pg'
import type { SqlDriverAdapter } from '@prisma/driver-adapter-utils'
import t, { type Test } from 'tap'
import { NO_FILTERS, withEngine } from '../../../prisma/schema-engine.ts'
import { openDatabase, type Provider } from '../../../src/database/index.ts'
import {
  migrate,
  migrationNames,
  migrationState,
  PRISMA_FOLDER,
  readMigrations,
} from '../../../src/database/migrations.ts'
import { openConnection } from '../../../src/database/sqlite.ts'
import { sqliteAdapter } from '../../../src/database/sqlite-adapter.ts'
import { emptyDatabase, providers } from '../../harness/database.ts'
import { outcome } from '../../harness/outcome.ts'

const compiled = (path: string) => new URL(`../../../src/database/${path}`, import.meta.url)
const CLI = fileURLToPath(new URL('../../../bin/migrate.js', import.meta.url))

/** A prisma folder with the given migrations: name and script. */
function prismaFolder(t: Test, provider: Provider, scripts: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-prisma-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, provider, 'migrations'), { recursive: true })
  writeFileSync(join(folder, provider, 'migrations', 'migration_lock.toml'), `provider = "${provider}"\n`)
  for (const [name, script] of Object.entries(scripts)) write(folder, provider, name, script)
  return folder
}

function write(folder: string, provider: Provider, name: string, script: string): void {
  mkdirSync(join(folder, provider, 'migrations', name), { recursive: true })
  writeFileSync(join(folder, provider, 'migrations', name, 'migration.sql'), script)
}

/** Runs raw SQL on a database and returns its rows. */
async function sql(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const database = await openDatabase(url)
  try {
    return await database.client.$queryRawUnsafe(statement)
  } finally {
    await database.close()
  }
}

function start(args: string[], databaseUrl?: string, variables: Record<string, string> = {}): ChildProcess {
  const env = { PATH: process.env['PATH'], DATABASE_URL: databaseUrl, ...variables }
  return spawn(process.execPath, args, { env, cwd: tmpdir(), stdio: ['ignore', 'pipe', 'pipe'] })
}

const migrateIn = (url: string, folder: string) =>
  start([
    '--input-type=module',
    '-e',
    `import { migrate } from ${JSON.stringify(compiled('migrations.js').href)}
     console.log((await migrate(${JSON.stringify(url)}, ${JSON.stringify(folder)})).applied.join())`,
  ])

/** A Prisma adapter, and a function that closes it. */
async function openAdapter(url: string, provider: Provider) {
  if (provider === 'postgresql') {
    const adapter: SqlDriverAdapter = await new PrismaPg({ connectionString: url }).connect()
    return { adapter, close: () => adapter.dispose() }
  }
  const connection = await openConnection(url)
  // The engine would lock the whole file, and libsql keeps closed connections until they are collected.
  const run: typeof connection.run = (sql, args) =>
    connection.run(sql.replace('locking_mode=EXCLUSIVE', 'locking_mode=NORMAL'), args)
  const adapter = await sqliteAdapter({ ...connection, run }).connect()
  return { adapter, close: async () => connection.close() }
}

/** Status of a database according to Prisma's engine, as `prisma migrate status` prints it. */
async function statusByPrisma(url: string, provider: Provider, folder: string) {
  const { adapter, close } = await openAdapter(url, provider)
  const migrationDirectories = readMigrations(folder, provider).map(({ name, script }) => ({
    path: name,
    migrationFile: { path: 'migration.sql', content: { tag: 'ok' as const, value: script } },
  }))
  const migrationsList = {
    baseDir: join(folder, provider, 'migrations'),
    lockfile: { path: 'migration_lock.toml', content: `provider = "${provider}"\n` },
    shadowDbInitScript: '',
    migrationDirectories,
  }
  const schema = `datasource db {\n  provider = "${provider}"\n}\n`
  return withEngine(adapter, [['schema.prisma', schema]], async engine => ({
    status: await engine.diagnoseMigrationHistory({
      migrationsList,
      optInToShadowDatabase: false,
      filters: NO_FILTERS,
    }),
    // In this order, because it applies migrations that it considers pending.
    applied: (await engine.applyMigrations({ migrationsList, filters: NO_FILTERS })).appliedMigrationNames,
  })).finally(close)
}

/** Errors of both databases about a missing table. */
const NO_TABLE = { message: /no such table|does not exist/ }

/** A statement that runs for long, and whether a process has reached it. */
const LONG: Record<Provider, string> = {
  sqlite:
    'CREATE TABLE slow AS WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 2000000000) SELECT count(*) FROM c;',
  postgresql: 'SELECT pg_sleep(60);',
}

async function isLocked(url: string, provider: Provider): Promise<boolean> {
  if (provider === 'postgresql') {
    const rows = await sql(
      url,
      `SELECT 1 AS one FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(60)%'
      AND pid <> pg_backend_pid() AND datname = current_database()`,
    )
    return rows.length > 0
  }
  const client = await openConnection(url, 0)
  try {
    client.run('BEGIN IMMEDIATE')
    return false
  } catch {
    return true
  } finally {
    client.close()
  }
}

for (const { provider, skip } of providers) {
  t.test(`${provider}: migrating a second time applies nothing`, { skip }, async t => {
    const url = await emptyDatabase(t, provider)
    const names = migrationNames(PRISMA_FOLDER, provider)
    t.ok(names.length > 0)
    const database = await openDatabase(url)
    t.teardown(() => database.close())
    t.same((await migrationState(sql => database.statements.read(sql, []), provider)).pending, names)
    t.same(await migrate(url), { applied: names, newer: [] })
    t.same((await migrationState(sql => database.statements.read(sql, []), provider)).pending, [])
    const rows = await sql(url, 'SELECT * FROM _prisma_migrations')
    t.same(await migrate(url), { applied: [], newer: [] })
    t.same(await sql(url, 'SELECT * FROM _prisma_migrations'), rows, 'and writes nothing')
    t.equal(rows.length, names.length)
  })

  t.test(
    `${provider}: of two at once one migrates, and the other waits and applies nothing`,
    { skip },
    async t => {
      const url = await emptyDatabase(t, provider)
      // Both have read the empty history before either has the lock.
      const outcomes = await Promise.all([migrate(url), migrate(url)])
      const names = migrationNames(PRISMA_FOLDER, provider)
      t.strictSame(
        outcomes.map(({ applied }) => applied).sort((a, b) => a.length - b.length),
        [[], names],
      )
    },
  )

  t.test(
    `${provider}: Prisma's own engine agrees with the history, and goes on from it`,
    { skip },
    async t => {
      const url = await emptyDatabase(t, provider)
      const folder = prismaFolder(t, provider, {
        '1_a': 'CREATE TABLE a (id TEXT);\n',
        '2_b': 'CREATE TABLE b (id TEXT);\n',
      })
      await migrate(url, folder)
      const sound = {
        history: null,
        hasMigrationsTable: true,
        failedMigrationNames: [],
        editedMigrationNames: [],
      }
      t.match(await statusByPrisma(url, provider, folder), { status: sound, applied: [] })

      write(folder, provider, '3_c', 'CREATE TABLE c (id TEXT);\n')
      const behind = { diagnostic: 'databaseIsBehind', unappliedMigrationNames: ['3_c'] }
      t.match(await statusByPrisma(url, provider, folder), {
        status: { ...sound, history: behind },
        applied: ['3_c'],
      })
      t.same(await migrate(url, folder), { applied: [], newer: [] }, 'and the other way round')

      const columns = 'checksum, migration_name, logs, rolled_back_at, applied_steps_count'
      const rows = await sql(url, `SELECT ${columns} FROM _prisma_migrations ORDER BY migration_name`)
      const kinds = rows.map(row => Object.values(row).map(value => (value === null ? null : typeof value)))
      t.same(kinds[0], kinds[2], 'the rows equal those of Prisma')
      t.match(rows, [{ logs: null, applied_steps_count: 1 }, {}, { logs: null, applied_steps_count: 1 }])
    },
  )

  t.test(
    `${provider}: a process killed during a migration leaves neither changes nor a lock`,
    { skip },
    async t => {
      const url = await emptyDatabase(t, provider)
      const folder = prismaFolder(t, provider, {
        '1_first': 'CREATE TABLE a (id TEXT);',
        '2_long': LONG[provider],
      })
      const child = migrateIn(url, folder)
      const deadline = Date.now() + 30_000
      while (!(await isLocked(url, provider).catch(() => false))) {
        if (Date.now() > deadline || child.exitCode !== null)
          throw new Error('the long migration never began')
        await delay(50)
      }
      child.kill('SIGKILL')
      await once(child, 'close')
      if (provider === 'postgresql') {
        // The server notices a lost client only when the statement ends; an administrator would do this.
        await sql(
          url,
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%'
        AND pid <> pg_backend_pid() AND datname = current_database()`,
        )
      }
      write(folder, provider, '2_long', 'CREATE TABLE b (id TEXT);')
      t.same(await migrate(url, folder), { applied: ['1_first', '2_long'], newer: [] })
      t.same(await sql(url, 'SELECT * FROM a'), [])
    },
  )

  t.test(`${provider}: a failing migration is named, is rolled back, and can be fixed`, { skip }, async t => {
    const url = await emptyDatabase(t, provider)
    const folder = prismaFolder(t, provider, {
      '1_good': `-- a comment; with a semicolon
        CREATE TABLE a (id TEXT); INSERT INTO a VALUES ('one; two');`,
      '2_bad': 'CREATE TABLE b (id TEXT);\nINSERT INTO nowhere VALUES (1);\nCREATE TABLE c (id TEXT);',
    })
    await t.rejects(migrate(url, folder), {
      message: /^The migration 2_bad failed, and the database is as it was before: .*nowhere/,
    })
    for (const table of ['a', 'b', '_prisma_migrations']) {
      await t.rejects(sql(url, `SELECT * FROM ${table}`), NO_TABLE, `no table ${table}`)
    }
    write(folder, provider, '2_bad', 'CREATE TABLE b (id TEXT);')
    t.same(await migrate(url, folder), { applied: ['1_good', '2_bad'], newer: [] })
    t.same(await sql(url, 'SELECT * FROM a'), [{ id: 'one; two' }])
  })

  t.test(`${provider}: a migration that leaves dangling foreign keys is refused`, { skip }, async t => {
    const url = await emptyDatabase(t, provider)
    const folder = prismaFolder(t, provider, {
      '1_tables': `CREATE TABLE parent (id TEXT PRIMARY KEY);
        CREATE TABLE child (id TEXT, parent_id TEXT REFERENCES parent (id));
        INSERT INTO parent VALUES ('p'); INSERT INTO child VALUES ('c', 'p');`,
    })
    await migrate(url, folder)
    write(folder, provider, '2_orphans', 'DELETE FROM parent;')
    await t.rejects(migrate(url, folder), { message: /child/ })
    t.same(await sql(url, 'SELECT * FROM parent'), [{ id: 'p' }])
  })

  t.test(
    `${provider}: an edited migration is refused, but not one whose line endings changed`,
    { skip },
    async t => {
      const url = await emptyDatabase(t, provider)
      const folder = prismaFolder(t, provider, { '1_a': 'CREATE TABLE a (\nid TEXT);\n' })
      await migrate(url, folder)
      write(folder, provider, '1_a', 'CREATE TABLE a (\r\nid TEXT);\r\n')
      t.same(await migrate(url, folder), { applied: [], newer: [] })
      appendFileSync(join(folder, provider, 'migrations', '1_a', 'migration.sql'), '-- more\n')
      const refusal = { message: /^The migration 1_a was edited after it was applied .* migration\.sql/ }
      await t.rejects(migrate(url, folder), refusal)
      write(folder, provider, '2_b', 'CREATE TABLE b (id TEXT);')
      await t.rejects(migrate(url, folder), refusal, 'with others pending too')
      await t.rejects(sql(url, 'SELECT * FROM b'), NO_TABLE, 'and none of those is applied')
    },
  )

  t.test(
    `${provider}: a database that a later release migrated further is accepted, so that a rollback starts`,
    { skip },
    async t => {
      const url = await emptyDatabase(t, provider)
      const folder = prismaFolder(t, provider, {
        '1_a': 'CREATE TABLE a (id TEXT);',
        '2_b': 'CREATE TABLE b (id TEXT);',
        '3_c': 'CREATE TABLE c (id TEXT);',
      })
      await migrate(url, folder)
      for (const name of ['2_b', '3_c'])
        rmSync(join(folder, provider, 'migrations', name), { recursive: true })
      t.strictSame(await migrate(url, folder), { applied: [], newer: ['2_b', '3_c'] })
      write(folder, provider, '0_z', 'CREATE TABLE z (id TEXT);')
      await t.rejects(migrate(url, folder), { message: /^This database is ahead/ }, 'not where it lacks one')
      await t.rejects(sql(url, 'SELECT * FROM z'), NO_TABLE, 'which is not applied')
    },
  )

  t.test(
    `${provider}: a migration that this build does not know, older than its last, is refused`,
    { skip },
    async t => {
      const url = await emptyDatabase(t, provider)
      const folder = prismaFolder(t, provider, {
        '1_a': 'CREATE TABLE a (id TEXT);',
        '2_b': 'CREATE TABLE b (id TEXT);',
      })
      await migrate(url, folder)
      rmSync(join(folder, provider, 'migrations', '2_b'), { recursive: true })
      write(folder, provider, '3_c', 'CREATE TABLE c (id TEXT);')
      const refusal = { message: /^This database is ahead: it has the migration 2_b, .* Run the version/ }
      await t.rejects(migrate(url, folder), refusal)
      await t.rejects(sql(url, 'SELECT * FROM c'), NO_TABLE, 'and none of those is applied')
    },
  )

  t.test(
    `${provider}: a migration that failed in another tool is refused until it is undone`,
    { skip },
    async t => {
      const url = await emptyDatabase(t, provider)
      const folder = prismaFolder(t, provider, { '1_a': 'CREATE TABLE a (id TEXT);' })
      await migrate(url, folder)
      write(folder, provider, '2_b', 'CREATE TABLE b (id TEXT);')
      await sql(
        url,
        `INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('x', 'y', '2_b') RETURNING id`,
      )
      const error = await migrate(url, folder).then(
        () => new Error('it migrated'),
        (error: Error) => error,
      )
      t.match(error, { message: /^The migration 2_b failed or was cut off/ })
      await t.rejects(sql(url, 'SELECT * FROM b'), NO_TABLE, 'and it is not retried')
      const remedy = /UPDATE .*;/.exec(error.message)?.[0] ?? ''
      await sql(url, remedy.replace(';', ' RETURNING id'))
      t.same(
        await migrate(url, folder),
        { applied: ['2_b'], newer: [] },
        'the instruction in the message works',
      )
      t.same(await migrate(url, folder), { applied: [], newer: [] })
    },
  )

  t.test(`${provider}: a database with foreign tables or views is refused`, { skip }, async t => {
    for (const theirs of ['TABLE theirs (id TEXT)', 'VIEW theirs AS SELECT 1 AS one']) {
      const url = await emptyDatabase(t, provider)
      const database = await openDatabase(url)
      await database.client.$executeRawUnsafe(`CREATE ${theirs}`)
      await database.close()
      await t.rejects(migrate(url), { message: /not empty/ }, theirs)
      await t.rejects(sql(url, 'SELECT * FROM users'), NO_TABLE, 'and nothing is added')
    }
  })

  t.test(`${provider}: line ends of a migration do not matter`, { skip }, async t => {
    const url = await emptyDatabase(t, provider)
    const folder = prismaFolder(t, provider, { '1_a': 'CREATE TABLE a (\r\nid TEXT);\r\n' })
    await migrate(url, folder)
    write(folder, provider, '1_a', 'CREATE TABLE a (\nid TEXT);\n')
    t.same(await migrate(url, folder), { applied: [], newer: [] })
  })

  if (provider === 'postgresql') {
    t.test('a migration may take long, and waits 30 s for a lock', { skip }, async t => {
      const url = await emptyDatabase(t, provider)
      const settings = "('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout')"
      const script = `CREATE TABLE a AS SELECT name, setting FROM pg_settings WHERE name IN ${settings};`
      await migrate(url, prismaFolder(t, provider, { '1_a': script }))
      t.strictSame(await sql(url, 'SELECT * FROM a ORDER BY name'), [
        { name: 'idle_in_transaction_session_timeout', setting: '0' },
        { name: 'lock_timeout', setting: '30000' },
        { name: 'statement_timeout', setting: '0' },
      ])
    })
  }

  t.test(`${provider}: the command reports a failure by its exit code and one line`, { skip }, async t => {
    const url = await emptyDatabase(t, provider)
    await migrate(url)
    await sql(url, `UPDATE _prisma_migrations SET checksum = 'other' RETURNING id`)
    const { code, stdout, stderr } = await outcome(start([CLI], url))
    t.equal(code, 1)
    t.equal(stdout, '')
    t.match(stderr, /^The migration \d{14}_\w+ was edited after .*\n$/)
  })
}

t.test('in production the command writes JSON lines only, whether it succeeds or fails', async t => {
  const url = await emptyDatabase(t, 'sqlite')
  const run = async (databaseUrl: string) => {
    const { code, stdout, stderr } = await outcome(start([CLI], databaseUrl, { NODE_ENV: 'production' }))
    const lines = (text: string) =>
      text
        .split('\n')
        .slice(0, -1)
        .map(line => JSON.parse(line))
    return { code, stdout: lines(stdout), stderr: lines(stderr) }
  }
  const fresh = await run(url)
  t.match(fresh, { code: 0, stderr: [] })
  t.ok(fresh.stdout.length > 5)
  for (const line of fresh.stdout)
    t.match(line, { level: 30, time: Number, pid: Number, migration: /^\d{14}_/ })
  t.match(await run(url), {
    code: 0,
    stdout: [{ level: 30, msg: 'The database is up to date.' }],
    stderr: [],
  })
  const failed = await run('mysql://127.0.0.1/x')
  t.match(failed, { code: 1, stdout: [], stderr: [{ level: 60, event: 'sys_crash', msg: /DATABASE_URL/ }] })
  t.equal(failed.stderr.length, 1)
})

t.test('an unreachable or missing database is reported with its reason', async t => {
  await t.rejects(migrate('postgresql://postgres@127.0.0.1:1/x'), {
    message: /^The database cannot be migrated: no server answers at 127.0.0.1:1$/,
  })
  await t.rejects(migrate('mysql://127.0.0.1/x'), { message: /must start with file: or postgresql:/ })
})
