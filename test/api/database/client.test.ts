import { chmodSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type OpenDatabase, openDatabase } from '../../../src/database/index.ts'
import { outageOf } from '../../../src/database/outage.ts'
import { postgresqlConfig } from '../../../src/database/postgresql.ts'
import { openConnection } from '../../../src/database/sqlite.ts'
import { emptyDatabase, providers } from '../../harness/database.ts'

const skipPostgresql = providers.find(({ provider }) => provider === 'postgresql')?.skip ?? false

async function open(t: Test, ...args: Parameters<typeof openDatabase>): Promise<OpenDatabase> {
  const database = await openDatabase(...args)
  t.teardown(() => database.close())
  return database
}

async function pragmas({ client }: OpenDatabase): Promise<Record<string, unknown>> {
  const values: Record<string, unknown> = {}
  for (const name of ['journal_mode', 'synchronous', 'foreign_keys', 'busy_timeout']) {
    const [row] = await client.$queryRawUnsafe<Record<string, unknown>[]>(`PRAGMA ${name}`)
    values[name] = Object.values(row ?? {})[0]
  }
  return values
}

const count = async ({ client }: OpenDatabase): Promise<unknown> =>
  (await client.$queryRawUnsafe<{ n: unknown }[]>('SELECT CAST(count(*) AS INTEGER) AS n FROM things'))[0]?.n

t.test('a URL of another scheme is refused, and its password is not repeated', async t => {
  for (const url of ['mysql://root:hunter2@localhost/x', 'latchkey.db', '', 'http://a:hunter2@b/']) {
    const error = await openDatabase(url).then(
      () => t.fail('opened'),
      (error: Error) => error,
    )
    t.match(error, { message: /must start with file: or postgresql:\/\// })
    t.notMatch(String(error), /hunter2/)
  }
  await t.rejects(openDatabase('file::memory:'), { message: /DATABASE_URL: expected the path of a file/ })
  await t.rejects(openDatabase('file:'), { message: /DATABASE_URL: expected the path of a file/ })
})

t.test('the SQLite file and its folder are readable by their owner only', async t => {
  const base = mkdtempSync(join(tmpdir(), 'latchkey-test-'))
  t.teardown(() => rmSync(base, { recursive: true, force: true }))
  chmodSync(base, 0o755)
  const database = await open(t, `file:${base}/data/deep/latch%20key.db`)
  await database.client.$executeRawUnsafe('CREATE TABLE things (id TEXT)')
  const mode = (path: string) => (statSync(join(base, path)).mode & 0o777).toString(8)
  t.equal(mode('data'), '700')
  t.equal(mode('data/deep'), '700')
  for (const suffix of ['', '-wal', '-shm']) t.equal(mode(`data/deep/latch key.db${suffix}`), '600', suffix)
  t.equal(mode('.'), '755', 'a folder that was there keeps its mode')
})

t.test('the pragmas of SQLite are in force, after transactions and after a lock too', async t => {
  const url = await emptyDatabase(t, 'sqlite')
  const database = await open(t, url)
  const expected = { journal_mode: 'wal', synchronous: 2, foreign_keys: 1, busy_timeout: 0 }
  t.same(await pragmas(database), expected)
  const { client } = database
  await client.$executeRawUnsafe('CREATE TABLE things (id TEXT)')
  // foreign_keys = ON is the default of libsql, and synchronous = FULL that of SQLite. Other values would reveal a
  // connection that was silently replaced.
  await client.$executeRawUnsafe('CREATE TEMP TABLE of_this_connection (id TEXT)')
  await client.$transaction(tx => tx.$executeRawUnsafe(`INSERT INTO things VALUES ('a')`))
  await t.rejects(
    client.$transaction(async tx => {
      await tx.$executeRawUnsafe(`INSERT INTO things VALUES ('b')`)
      throw new Error('changed my mind')
    }),
    { message: 'changed my mind' },
  )
  t.same(await client.$queryRawUnsafe('SELECT * FROM of_this_connection'), [], 'still the same connection')
  t.same(await pragmas(database), expected)
  t.equal(await count(database), 1)
})

t.test('a lock held by another process fails only that write', async t => {
  const url = await emptyDatabase(t, 'sqlite')
  const database = await open(t, url, { busyTimeout: 200 })
  const { client } = database
  await client.$executeRawUnsafe('CREATE TABLE things (id TEXT)')
  const other = await openConnection(url)
  t.teardown(() => other.close())

  other.run('BEGIN IMMEDIATE')
  await t.rejects(client.$executeRawUnsafe(`INSERT INTO things VALUES ('refused')`), {
    message: /locked|timed out/i,
  })
  other.run('COMMIT')
  await client.$executeRawUnsafe(`INSERT INTO things VALUES ('kept')`)
  t.same(
    other.run('SELECT id FROM things').rows.map(row => row[0]),
    ['kept'],
    'others see it',
  )
  other.run(`INSERT INTO things VALUES ('theirs')`)

  other.run('BEGIN IMMEDIATE')
  await t.rejects(client.$transaction(tx => tx.$executeRawUnsafe(`INSERT INTO things VALUES ('refused')`)))
  other.run('COMMIT')
  await client.$transaction(tx => tx.$executeRawUnsafe(`INSERT INTO things VALUES ('kept too')`))
  t.same(
    other.run('SELECT id FROM things ORDER BY id').rows.map(row => row[0]),
    ['kept', 'kept too', 'theirs'],
  )
  t.match(await pragmas(database), { busy_timeout: 0, synchronous: 2, foreign_keys: 1 })
})

t.test('a SQLite file that could not be opened again is opened at the next use', async t => {
  const base = t.testdir({ data: {} })
  const database = await open(t, `file:${base}/data/latchkey.db`)
  const { client, statements } = database
  await client.$executeRawUnsafe('CREATE TABLE things (id TEXT PRIMARY KEY)')
  await client.$executeRawUnsafe(
    'CREATE TABLE parts (thing TEXT REFERENCES things (id) DEFERRABLE INITIALLY DEFERRED)',
  )
  renameSync(`${base}/data`, `${base}/away`)
  await t.rejects(statements.change(`INSERT INTO parts VALUES ('nothing')`, []), 'replaces the connection')
  for (const read of [statements.read('SELECT * FROM things', []), count(database)]) {
    t.equal(await read.then(() => 'read', outageOf), 'unwritable')
  }
  renameSync(`${base}/away`, `${base}/data`)
  await statements.change(`INSERT INTO things VALUES ('kept')`, [])
  t.equal(await count(database), 1)
  t.match(await pragmas(database), { synchronous: 2, foreign_keys: 1 })
})

t.test('a SQLite file may have a name that looks like a URL', async t => {
  const folder = t.testdir({})
  const before = process.cwd()
  process.chdir(folder)
  t.teardown(() => process.chdir(before))
  for (const name of ['file:inner.db', 'http://127.0.0.1:1/x.db', 'libsql://127.0.0.1:1/y.db']) {
    const database = await open(t, `file:${encodeURIComponent(name)}`)
    await database.client.$executeRawUnsafe('CREATE TABLE things (id TEXT)')
    t.ok(statSync(join(folder, name)).isFile())
  }
})

for (const { provider, skip } of providers) {
  t.test(
    `${provider}: no parallel transaction is lost, and a failed one is rolled back`,
    { skip },
    async t => {
      const database = await open(t, await emptyDatabase(t, provider))
      t.equal(database.provider, provider)
      await database.client.$executeRawUnsafe('CREATE TABLE things (id TEXT)')
      const results = await Promise.allSettled(
        Array.from({ length: 60 }, (_, i) =>
          database.client.$transaction(async tx => {
            await tx.$executeRawUnsafe(`INSERT INTO things VALUES ('${i}')`)
            if (i % 3 === 0) throw new Error('no')
          }),
        ),
      )
      t.equal(results.filter(({ status }) => status === 'fulfilled').length, 40)
      t.equal(await count(database), 40)
    },
  )
}

t.test('the timeouts of PostgreSQL are in force', { skip: skipPostgresql }, async t => {
  const url = await emptyDatabase(t, 'postgresql')
  const { client } = await open(t, url)
  const setting = async (name: string) =>
    (await client.$queryRawUnsafe<{ value: string }[]>(`SELECT current_setting('${name}') AS value`))[0]
      ?.value
  t.equal(await setting('statement_timeout'), '5s')
  t.equal(await setting('lock_timeout'), '2s')
  t.equal(await setting('idle_in_transaction_session_timeout'), '10s')
  t.equal(await setting('application_name'), 'latchkey')
  t.match(postgresqlConfig(url), { max: 10, connectionTimeoutMillis: 3000 })

  const own = await open(t, `${url}?statement_timeout=700&connection_limit=3`)
  const rows = await own.client.$queryRawUnsafe(`SELECT current_setting('statement_timeout') AS value`)
  t.same(rows, [{ value: '700ms' }], 'the URL takes precedence')
  t.equal(postgresqlConfig(`${url}?connection_limit=3`).max, 3)
  t.throws(() => postgresqlConfig(`${url}?connection_limit=0`), { message: /connection_limit/ })
  t.throws(() => postgresqlConfig(`${url}?schema=other`), { message: /schema public/ })
  postgresqlConfig(`${url}?schema=public`)
})

t.test('connections cut by PostgreSQL are replaced', { skip: skipPostgresql }, async t => {
  const url = await emptyDatabase(t, 'postgresql')
  const database = await open(t, url)
  const other = await open(t, url)
  const cut = () =>
    other.client.$queryRawUnsafe(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid()`)
  await Promise.all(Array.from({ length: 3 }, () => database.client.$queryRawUnsafe('SELECT 1 AS one')))
  await cut()
  await t.rejects(
    database.client.$transaction(async tx => {
      await tx.$queryRawUnsafe('SELECT 1 AS one')
      await cut()
      await tx.$queryRawUnsafe('SELECT 1 AS one')
    }),
  )
  await t.rejects(
    database.statements.transaction(async run => {
      await cut()
      await run('SELECT 1 AS one', [])
    }),
    'a connection cut between two hot statements is replaced too',
  )
  // A query may still use a cut connection before its end is noticed, but each only once.
  let failures = 0
  const ask = (): Promise<unknown> =>
    database.client.$queryRawUnsafe('SELECT 1 AS one').catch(error => {
      if (++failures > 3) throw error
      return ask()
    })
  t.same(await ask(), [{ one: 1 }])
})

t.test('opening succeeds while PostgreSQL is down', async t => {
  const { client } = await open(t, 'postgresql://postgres@127.0.0.1:1/x')
  await t.rejects(client.$queryRawUnsafe('SELECT 1'), { message: /reach/i })
})
