import t from 'tap'
import { openDatabase } from '../../../src/database/index.ts'
import { codeAttempts } from '../../../src/database/queries/code-attempts.ts'
import { freshDatabase } from '../../harness/database.ts'

const LATER = new Date('2030-01-01T01:00:00Z')

async function opened(t: Parameters<typeof freshDatabase>[0], databaseUrl?: string) {
  const url = databaseUrl ?? (await freshDatabase(t))
  const { client, close } = await openDatabase(url)
  t.teardown(close)
  return { url, client, attempts: codeAttempts(client) }
}

t.test('attempts are counted separately for each id', async t => {
  const { client, attempts } = await opened(t)
  for (let tries = 1; tries <= 7; tries++) t.equal(await attempts.count('one', LATER), tries)
  t.equal(await attempts.count('two', LATER), 1)
  t.strictSame(await client.guess.findMany({ orderBy: { id: 'asc' } }), [
    { id: 'one', count: 7, expiresAt: LATER },
    { id: 'two', count: 1, expiresAt: LATER },
  ])
})

t.test('50 parallel attempts get 50 different counts', async t => {
  const { client, attempts } = await opened(t)
  const counted = await Promise.all(Array.from({ length: 50 }, () => attempts.count('one', LATER)))
  t.strictSame(
    counted.sort((a, b) => a - b),
    Array.from({ length: 50 }, (_, i) => i + 1),
  )
  t.match(await client.guess.findMany(), [{ id: 'one', count: 50 }])
})

t.test('two connections to one database count together', async t => {
  const first = await opened(t)
  const second = await opened(t, first.url)
  const counted = await Promise.all(
    Array.from({ length: 20 }, (_, i) => (i % 2 ? first : second).attempts.count('one', LATER)),
  )
  t.equal(Math.max(...counted), 20)
  t.equal(new Set(counted).size, 20)
})

t.test('a later attempt does not extend the count', async t => {
  const { client, attempts } = await opened(t)
  await attempts.count('one', LATER)
  await attempts.count('one', new Date(LATER.getTime() + 60_000))
  t.strictSame((await client.guess.findUnique({ where: { id: 'one' } }))?.expiresAt, LATER)
})
