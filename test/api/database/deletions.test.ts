/** Queries of notices and of deletions that can be undone. */
import t, { type Test } from 'tap'
import { v7 as uuidv7 } from 'uuid'
import { openDatabase, type Provider, queriesOf } from '../../../src/database/index.ts'
import { freshDatabase, providers } from '../../harness/database.ts'

const NOW = new Date('2026-03-29T01:30:00.007Z')
const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1000)
const ORIGIN = { ip: null, device: null, requestId: null }

async function opened(t: Test, provider: Provider) {
  const database = await openDatabase(await freshDatabase(t, provider))
  t.teardown(database.close)
  const { notices, deletions } = queriesOf(database)
  const id = uuidv7()
  return {
    ...{ client: database.client, notices, deletions, id },
    record: (recipient: string, noticeAt: Date, expiresAt: Date, now: Date) =>
      notices.record({ userId: id, recipient, noticeAt, expiresAt }, now),
    /** A deletion that can be undone for 100 s. */
    deleted: () =>
      database.client.deletedAccount.create({ data: { id, createdAt: NOW, expiresAt: later(100) } }),
  }
}

for (const { provider, skip } of providers) {
  t.test(
    `${provider}: a notice gives way to a later one only once its link has expired`,
    { skip },
    async t => {
      const { client, record } = await opened(t, provider)
      const notices = () => client.notice.findMany({ select: { noticeAt: true, expiresAt: true } })
      await record('a@example.org', NOW, later(10), NOW)
      await record('a@example.org', later(5), later(15), later(5))
      t.strictSame(await notices(), [{ noticeAt: NOW, expiresAt: later(15) }])
      await record('a@example.org', later(20), later(30), later(20))
      t.strictSame(await notices(), [{ noticeAt: later(20), expiresAt: later(30) }])
    },
  )

  t.test(`${provider}: the time to undo a deletion is never shortened`, { skip }, async t => {
    const { client, deletions, deleted, id } = await opened(t, provider)
    const ends = () => client.deletedAccount.findMany({ select: { expiresAt: true } })
    await deleted()
    await deletions.extendUntil(id, later(50))
    t.strictSame(await ends(), [{ expiresAt: later(100) }])
    await deletions.extendUntil(id, later(200))
    t.strictSame(await ends(), [{ expiresAt: later(200) }])
  })

  t.test(
    `${provider}: undoing a deletion voids its notice and later ones, not older ones`,
    { skip },
    async t => {
      const { notices, deletions, record, deleted, id } = await opened(t, provider)
      for (const [recipient, noticeAt] of [
        ['older@example.org', NOW],
        ['used@example.org', later(1)],
        ['newer@example.org', later(2)],
      ] as const) {
        await record(recipient, noticeAt, later(100), noticeAt)
      }
      const by = { email: 'used@example.org', notice: later(1) }
      t.equal(await deletions.undo(await deleted(), by, later(3), ORIGIN), true)
      t.match(await notices.active(id, later(3)), [{ recipient: 'older@example.org' }])
      t.equal((await notices.active(id, later(3))).length, 1)
    },
  )
}
