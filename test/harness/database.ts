// Databases for tests; each test has its own.
import { createHash, randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, mkdtempSync, renameSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { Provider } from '../../src/database/index.ts'
import { migrate, PRISMA_FOLDER, readMigrations } from '../../src/database/migrations.ts'
import { openConnection } from '../../src/database/sqlite.ts'

/** Calls back at the end of a test. */
export interface Teardown {
  teardown(handler: () => unknown): unknown
}

/** URL of a PostgreSQL superuser. Databases are created and dropped on this server. */
const server = process.env['TEST_POSTGRES_URL'] || undefined

if (server === undefined && process.env['TEST_REQUIRE_ALL']) {
  throw new Error(
    'TEST_POSTGRES_URL is not set: with TEST_REQUIRE_ALL set, the tests on PostgreSQL may not be left out',
  )
}

/** The database of tests above the database layer. */
export const provider: Provider = server === undefined ? 'sqlite' : 'postgresql'

/** Both kinds, for tests of the database itself: `t.test(name, { skip }, …)`. */
export const providers: readonly { provider: Provider; skip: string | false }[] = [
  { provider: 'sqlite', skip: false },
  { provider: 'postgresql', skip: server === undefined && 'TEST_POSTGRES_URL is not set' },
]

/** Creates a migrated, empty database. */
export async function freshDatabase(t: Teardown, on: Provider = provider): Promise<string> {
  if (on === 'postgresql') {
    template ??= makePostgresqlTemplate()
    return createDatabase(t, await template)
  }
  const path = temporaryFile(t)
  copyFileSync(await sqliteTemplate(), path)
  return `file:${path}`
}

/** A folder in memory if the system has one, so that commits do not wait for a disk. */
function memoryFolder(): string {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm')
    if (bavail * bsize > 2 ** 29) return '/dev/shm'
  } catch {
    // No such folder, for example on macOS.
  }
  return tmpdir()
}

/** Creates a database without tables. */
export async function emptyDatabase(t: Teardown, on: Provider = provider): Promise<string> {
  return on === 'postgresql' ? createDatabase(t, 'template0') : `file:${temporaryFile(t)}`
}

function temporaryFile(t: Teardown): string {
  const folder = mkdtempSync(join(memoryFolder(), 'latchkey-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'latchkey.db')
}

/** The name contains a hash of the migrations. */
function templateName(of: Provider): string {
  const hash = createHash('sha256')
  for (const { name, script } of readMigrations(PRISMA_FOLDER, of)) hash.update(`${name}\0${script}\0`)
  return `latchkey_template_${hash.digest('hex').slice(0, 16)}`
}

async function sqliteTemplate(): Promise<string> {
  const path = join(tmpdir(), `${templateName('sqlite')}.db`)
  if (existsSync(path)) return path
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-template-'))
  const making = join(folder, 'latchkey.db')
  await migrate(`file:${making}`)
  // The WAL must be written to the file before it is copied.
  const client = await openConnection(`file:${making}`)
  client.run('PRAGMA wal_checkpoint(TRUNCATE)')
  client.close()
  // Another process may have created it as well; both files are equal.
  renameSync(making, path)
  rmSync(folder, { recursive: true, force: true })
  return path
}

let template: Promise<string> | undefined

/** A migrated database, which all processes of this build copy. */
async function makePostgresqlTemplate(): Promise<string> {
  const name = templateName('postgresql')
  const client = await admin().connect()
  try {
    // A lock of the connection, which ends with its process.
    await client.query(`SELECT pg_advisory_lock(hashtext('latchkey test template'))`)
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name])
    if (rowCount === 0) {
      const making = `${name}_making`
      await client.query(`DROP DATABASE IF EXISTS ${making} WITH (FORCE)`)
      await client.query(`CREATE DATABASE ${making} TEMPLATE template0`)
      await migrate(urlOf(making))
      await client.query(`ALTER DATABASE ${making} RENAME TO ${name}`)
    }
  } finally {
    client.release(true)
  }
  return name
}

async function createDatabase(t: Teardown, template: string): Promise<string> {
  const name = `latchkey_test_${process.pid}_${randomBytes(6).toString('hex')}`
  copyStrategy ??= admin()
    .query<{ version: number }>(`SELECT current_setting('server_version_num')::int AS version`)
    // Copying files takes a fifth of writing each page to the WAL, the default since PostgreSQL 15.
    .then(({ rows }) => ((rows[0]?.version ?? 0) >= 150_000 ? 'STRATEGY file_copy' : ''))
  await admin().query(`CREATE DATABASE ${name} TEMPLATE ${template} ${await copyStrategy}`)
  // Tests do not crash this server, so commits need not wait for the disk.
  await admin().query(`ALTER DATABASE ${name} SET synchronous_commit = off`)
  t.teardown(() => admin().query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))
  return urlOf(name)
}

let copyStrategy: Promise<string> | undefined
let pool: pg.Pool | undefined

/** Connections to the server's own database, kept because a new one takes PostgreSQL 20 ms of processor time. */
function admin(): pg.Pool {
  if (pool === undefined) {
    pool = new pg.Pool({ connectionString: urlOf(), max: 2, allowExitOnIdle: true, idleTimeoutMillis: 0 })
    // An idle connection that breaks is replaced at the next query. Without a listener, it would end the process.
    pool.on('error', () => {})
  }
  return pool
}

function urlOf(database?: string): string {
  if (server === undefined) throw new Error('TEST_POSTGRES_URL is not set')
  const url = new URL(server)
  if (database !== undefined) url.pathname = `/${database}`
  return url.href
}
