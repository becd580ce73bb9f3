import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { openDatabase } from '../../../src/database/client.ts'
import { sqlitePath } from '../../../src/database/client-sqlite.ts'
import { migrate } from '../../../src/database/migrate.ts'
import { emptyDatabase } from '../../harness/database.ts'

const CLIENT = fileURLToPath(new URL('../../../src/database/client.js', import.meta.url))

/** What an operator's tool does: opens the file, changes something, and closes it. */
const TOOL = `
const { openDatabase } = await import(process.argv[1])
const { client, close } = await openDatabase(process.argv[2])
const now = new Date()
const data = { id: process.argv[3], email: 'a@example.org', passwordHash: 'x', createdAt: now, expiresAt: now }
await client.registration.create({ data })
await close()`

t.test(
  'what another process writes is seen, also after this process has opened the file a second time',
  async t => {
    const url = await emptyDatabase(t, 'sqlite')
    await migrate(url)
    const first = await openDatabase(url)
    t.teardown(first.close)
    t.equal(await first.client.registration.count(), 0)
    const second = await openDatabase(url)
    t.teardown(second.close)
    for (let written = 1; written <= 3; written++) {
      const tool = spawnSync(process.execPath, [
        '--input-type=module',
        '-e',
        TOOL,
        CLIENT,
        url,
        `id-${written}`,
      ])
      t.equal(tool.status, 0, String(tool.stderr))
      t.ok(existsSync(`${sqlitePath(url)}-wal`), 'the WAL is left to those who still have the file open')
      t.equal(await first.client.registration.count(), written)
      t.equal(await second.client.registration.count(), written)
    }
    const now = new Date()
    const data = { id: 'own', email: 'a@example.org', passwordHash: 'x', createdAt: now, expiresAt: now }
    await first.client.registration.create({ data })
    t.equal(await second.client.registration.count(), 4)
  },
)
