// Databases for tests; each test has its own.
import { createHash, randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, mkdtempSync, renameSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
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
  if (on === 'postgresql') return createDatabase(t, await postgresqlTemplate())
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

async function postgresqlTemplate(): Promise<string> {
  const template = templateName('postgresql')
  await onServer(async run => {
    // A lock of the connection, which ends with its process.
    await run(`SELECT pg_advisory_lock(hashtext('latchkey test template'))`)
    if ((await run(`SELECT 1 FROM pg_database WHERE datname = '${template}'`)) > 0) return
    const making = `${template}_making`
    await run(`DROP DATABASE IF EXISTS ${making} WITH (FORCE)`)
    await run(`CREATE DATABASE ${making} TEMPLATE template0`)
    await migrate(urlOf(making))
    await run(`ALTER DATABASE ${making} RENAME TO ${template}`)
  })
  return template
}

async function createDatabase(t: Teardown, template: string): Promise<string> {
  const name = `latchkey_test_${process.pid}_${randomBytes(6).toString('hex')}`
  await onServer(async run => {
    await run(`CREATE DATABASE ${name} TEMPLATE ${template}`)
    // Tests do not crash this server, so commits need not wait for the disk.
    await run(`ALTER DATABASE ${name} SET synchronous_commit = off`)
  })
  t.teardown(() => onServer(run => run(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)))
  return urlOf(name)
}

/** Runs statements on the server's own database. Each returns its number of rows. */
async function onServer<T>(work: (run: (sql: string) => Promise<number>) => Promise<T>): Promise<T> {
  const adapter = await new PrismaPg({ connectionString: urlOf(), max: 1 }).connect()
  try {
    return await work(sql => adapter.executeRaw({ sql, args: [], argTypes: [] }))
  } finally {
    await adapter.dispose()
  }
}

function urlOf(database?: string): string {
  if (server === undefined) throw new Error('TEST_POSTGRES_URL is not set')
  const url = new URL(server)
  if (database !== undefined) url.pathname = `/${database}`
  return url.href
}
