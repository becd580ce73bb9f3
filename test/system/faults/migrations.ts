/**
 * Processes that are killed (SIGKILL) while they migrate an empty database leave it empty or completely migrated, and
 * the next process continues without help.
 *
 * FAULT_MIGRATIONS is the number of kills on each database; FAULT_SEED repeats the same moments.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import type { Provider } from '../../../src/database/index.ts'
import { migrate, migrationNames, PRISMA_FOLDER } from '../../../src/database/migrations.ts'
import { openConnection } from '../../../src/database/sqlite.ts'
import { emptyDatabase, providers } from '../../harness/database.ts'
import { drawFrom, seedOf } from '../../harness/draw.ts'
import { outcome } from '../../harness/outcome.ts'
import { emptyFolder } from '../../harness/process.ts'
import { between, openPlain } from './kills/invariants.ts'

const CLI = fileURLToPath(new URL('../../../bin/migrate.js', import.meta.url))
/** Approximate duration of a migration; milliseconds. */
const AT_WORK_MS = 120
/** This many kills meet a migration at every stage; fewer need not. */
const MANY_KILLS = 20

/** Starts the command that migrates a database; it is killed when the test ends. */
export function startMigration(t: Test, databaseUrl: string): ChildProcess {
  const env = { PATH: process.env['PATH'], DATABASE_URL: databaseUrl }
  const child = spawn(process.execPath, [CLI], {
    env,
    cwd: emptyFolder(t),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

/** Everything that migrations create. */
const SCHEMA: Record<Provider, string> = {
  sqlite: 'SELECT type, name, sql FROM sqlite_master ORDER BY type, name',
  postgresql: `SELECT table_name || '.' || column_name AS name, data_type || is_nullable AS what
      FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
      WHERE connamespace = 'public'::regnamespace ORDER BY name, what`,
}
const ROWS = 'SELECT count(*) AS count FROM _prisma_migrations'

/** Whether a process is in the transaction of a migration. */
async function isAtWork(url: string, provider: Provider): Promise<boolean> {
  if (provider === 'postgresql') {
    const rows = await openPlain(url, provider)
    try {
      const inTransaction = `SELECT pid FROM pg_stat_activity WHERE datname = current_database()
        AND pid <> pg_backend_pid() AND xact_start IS NOT NULL AND application_name = 'latchkey'`
      return (await rows.query(inTransaction)).length > 0
    } finally {
      await rows.close()
    }
  }
  const client = await openConnection(url, 0).catch(() => undefined)
  try {
    client?.run('BEGIN IMMEDIATE')
    return client === undefined
  } catch {
    return true
  } finally {
    client?.close()
  }
}

/** Tests of both databases side by side. FAULT_MIGRATIONS overrides `kills`. */
export function killMigrations({ kills }: { kills: number }): void {
  t.setTimeout(0)
  t.jobs = providers.length
  for (const { provider, skip } of providers) {
    const name = `${provider}: a migration that is killed is applied completely or not at all, and continues`
    t.test(name, { skip, timeout: 0 }, t =>
      killRepeatedly(t, provider, Number(process.env['FAULT_MIGRATIONS'] || kills)),
    )
  }
}

async function killRepeatedly(t: Test, provider: Provider, kills: number): Promise<void> {
  const seed = seedOf('FAULT_SEED')
  t.comment(`FAULT_SEED=${seed} FAULT_MIGRATIONS=${kills}`)
  const draw = drawFrom(seed)
  const names = migrationNames(PRISMA_FOLDER, provider)
  const complete = await emptyDatabase(t, provider)
  const began = performance.now()
  t.equal((await outcome(startMigration(t, complete))).code, 0)
  const durationMs = performance.now() - began
  const reference = await openPlain(complete, provider)
  const schema = await reference.query(SCHEMA[provider])
  await reference.close()
  t.ok(schema.length > 10)

  const left = { nothing: 0, everything: 0 }
  let atWork = 0
  for (let kill = 1; kill <= kills; kill++) {
    const url = await emptyDatabase(t, provider)
    const child = startMigration(t, url)
    const closed = once(child, 'close')
    if (kill % 2 === 0) await Promise.race([closed, delay(draw.share() * durationMs)])
    else {
      while (child.exitCode === null && !(await isAtWork(url, provider))) await delay(2)
      if (child.exitCode === null) atWork++
      await Promise.race([closed, delay(draw.share() * AT_WORK_MS)])
    }
    child.kill('SIGKILL')
    await closed
    await between(url, provider, async rows => {
      const tables = await rows.query(SCHEMA[provider])
      left[tables.length === 0 ? 'nothing' : 'everything']++
      if (tables.length > 0) t.strictSame(tables, schema, `kill ${kill}: no migration is applied in part`)
    })
    const { applied } = await migrate(url)
    t.ok(applied.length === 0 || applied.length === names.length, `kill ${kill}: all or nothing was left`)
    await between(url, provider, async rows => {
      t.strictSame(await rows.query(SCHEMA[provider]), schema, `kill ${kill}: migrated to the end`)
      t.equal(Number((await rows.query(ROWS))[0]?.['count']), names.length, 'each migration once')
    })
  }
  t.comment(`killed: ${JSON.stringify({ ...left, atWork })}`)
  if (kills >= MANY_KILLS) {
    t.ok(left.nothing >= kills / 10, 'some were killed before the end')
    t.ok(atWork >= kills / 4, 'and some at work')
  }
}
