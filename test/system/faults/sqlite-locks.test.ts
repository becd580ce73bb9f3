import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { openDatabase } from '../../../src/database/index.ts'
import { sqlitePath } from '../../../src/shared/sqlite-url.ts'
import { freshDatabase } from '../../harness/database.ts'

const CLIENT = fileURLToPath(new URL('../../../src/database/index.js', import.meta.url))

/** An operator's tool: for each line of standard input it opens the file, changes it, closes it and reports. */
const TOOL = `
import { createInterface } from 'node:readline'
const { openDatabase } = await import(process.argv[1])
for await (const id of createInterface({ input: process.stdin })) {
  const { client, close } = await openDatabase(process.argv[2])
  await client.lease.create({ data: { id, holder: 'tool', expiresAt: new Date() } })
  await close()
  console.log('closed')
}`

t.test('writes of another process are visible, also after the file was opened a second time', async t => {
  const url = await freshDatabase(t, 'sqlite')
  const first = await openDatabase(url)
  t.teardown(first.close)
  t.equal(await first.client.lease.count(), 0)
  const second = await openDatabase(url)
  t.teardown(second.close)
  const tool = spawn(process.execPath, ['--input-type=module', '-e', TOOL, CLIENT, url], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => tool.kill('SIGKILL'))
  const reports = createInterface({ input: tool.stdout })
  for (let written = 1; written <= 3; written++) {
    const reported = once(reports, 'line')
    tool.stdin.write(`lease-${written}\n`)
    t.strictSame(await reported, ['closed'])
    t.ok(existsSync(`${sqlitePath(url)}-wal`), 'the WAL stays while this process has the file open')
    t.equal(await first.client.lease.count(), written)
    t.equal(await second.client.lease.count(), written)
  }
  await first.client.lease.create({ data: { id: 'own', holder: 'test', expiresAt: new Date() } })
  t.equal(await second.client.lease.count(), 4)
})
