import t from 'tap'
import { PRISMA_FOLDER, readMigrations } from '../../../src/database/migrations.ts'

// Not the bodies of triggers and functions: `BEGIN` without a semicolon, `END;`.
const TRANSACTION =
  /^\s*(?:BEGIN(?=\s*;)|BEGIN\s+(?:TRANSACTION|WORK|DEFERRED|IMMEDIATE|EXCLUSIVE|ISOLATION|READ)|START\s+TRANSACTION|COMMIT|ROLLBACK|ABORT|END\s+(?:TRANSACTION|WORK))\b/im

t.test('no migration ends the transaction that all of them share', async t => {
  for (const script of [
    'BEGIN;',
    'CREATE TABLE a (id TEXT);\n  begin immediate;',
    'COMMIT;',
    'START TRANSACTION;',
  ]) {
    t.match(script, TRANSACTION)
  }
  const migrations = (['sqlite', 'postgresql'] as const).flatMap(provider =>
    readMigrations(PRISMA_FOLDER, provider).map(({ name, script }) => ({
      name: `${provider} ${name}`,
      script,
    })),
  )
  t.ok(migrations.length > 0)
  const controlling = migrations.filter(({ script }) => TRANSACTION.test(script)).map(({ name }) => name)
  t.strictSame(controlling, [])
})
