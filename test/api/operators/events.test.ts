/** The feed of events through the API: complete while accounts write, and closed to secrets. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { confirmedAccount, startApp } from '../../harness/app.ts'
import { startOperators } from '../../harness/operators.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { openRows } from '../../harness/rows.ts'

t.test('a reader that goes on from its cursor gets each event once while four accounts write', async t => {
  const service = await startApp(t)
  const { app, databaseUrl } = service
  const { ask } = await startOperators(t, service)
  const rows = await openRows(t, databaseUrl)
  const accounts = await Promise.all(Array.from({ length: 4 }, () => confirmedAccount(service)))
  let isWriting = true
  const write = async ({ email, password }: (typeof accounts)[number]) => {
    for (let i = 0; i < 8; i++) {
      await app.inject({
        method: 'POST',
        url: '/login',
        payload: { email, password: i % 2 ? password : 'wrong' },
      })
    }
  }
  const read = async () => {
    const seen: { id: string }[] = []
    for (let cursor = '0', last = false; ; last = !isWriting) {
      const { events, nextCursor } = (await ask('GET', `/events?limit=3&cursor=${cursor}`)).json()
      seen.push(...events)
      if (events.length === 0 && nextCursor !== cursor) throw new Error('the cursor moved past nothing')
      if (events.length === 0 && last) return seen
      cursor = nextCursor
      // A loop over `inject` alone would keep the writers from their turn of the event loop.
      await nextTurn()
    }
  }
  const readers = [read(), read()]
  await Promise.all(accounts.map(write))
  isWriting = false
  const seen = await Promise.all(readers)
  const written = await rows.client.event.findMany({ orderBy: { id: 'asc' } })
  t.ok(written.length >= 20, `${written.length} events`)
  for (const events of seen) {
    t.strictSame(
      events.map(({ id }) => id).sort(),
      written.map(({ id }) => id),
    )
  }
  const [first] = seen[0] as Record<string, unknown>[]
  const row = written.find(({ id }) => id === first?.['id'])
  t.strictSame(first, {
    id: row?.id,
    kind: row?.kind,
    at: row?.at.toISOString(),
    userId: row?.userId,
    actor: row?.actor,
    target: row?.target,
    ip: row?.ip,
    device: row?.device,
    requestId: row?.requestId,
  })
})

t.test('the feed is closed to what it does not know', async t => {
  const service = await startApp(t)
  const { ask } = await startOperators(t, service)
  for (const query of [
    'limit=0',
    'limit=1001',
    'limit=9007199254740993',
    'limit=1e3',
    'cursor=-1',
    'cursor=9007199254740993',
    'cursor=99999999999999999999',
    'cursor=x',
    'cursor=01',
    'cursor=1e3',
    'more=1',
  ]) {
    isProblemOf(t, await ask('GET', `/events?${query}`), 'validation_failed', query)
  }
  const far = await ask('GET', '/events?cursor=999999999999999')
  t.strictSame(far.json(), { events: [], nextCursor: '999999999999999' })
})
