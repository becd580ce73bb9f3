/** One start and end of the real process; test/system/server holds the rest. */
import t from 'tap'
import { freshDatabase } from '../../harness/database.ts'
import { serviceEnvironment, startProcess } from '../../harness/process.ts'

t.test('the process starts on SQLite, is ready, and ends on SIGTERM', async t => {
  const databaseUrl = await freshDatabase(t, 'sqlite')
  const service = startProcess(t, { env: serviceEnvironment({ DATABASE_URL: databaseUrl }) })
  const url = await service.listening()
  t.equal((await fetch(`${url}/health/ready`)).status, 200)
  t.equal(await service.end('SIGTERM'), 0)
  t.equal(service.stderr(), '')
})
