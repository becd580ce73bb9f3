/** Queries of the outbox and of turns, where two workers meet. */
import t, { type Test } from 'tap'
import { openDatabase, type Provider, queriesOf } from '../../../src/database/index.ts'
import type { Cap } from '../../../src/database/queries/mail-turns.ts'
import type { OutboxKind, OutboxRow } from '../../../src/database/queries/outbox.ts'
import { freshDatabase, providers } from '../../harness/database.ts'

const NOW = new Date('2026-03-29T01:30:00.007Z')
const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1000)
const KINDS: OutboxKind[] = ['reset_request']
/** Every turn is free. */
const CAP: Cap = { id: 'cap', nextTurn: () => NOW, waitedTooLong: false, expiresAt: later(3600) }

async function opened(t: Test, provider: Provider) {
  const database = await openDatabase(await freshDatabase(t, provider))
  t.teardown(database.close)
  const { outbox, mailTurns } = queriesOf(database)
  const request = { kind: 'reset_request' as const, recipient: 'ada@example.org' }
  return {
    outbox,
    mailTurns,
    client: database.client,
    enqueue: () => outbox.enqueue(request, NOW),
    claimOne: async (now: Date) =>
      (await outbox.claim(1, now, new Date(now.getTime() + 60_000)))[0] as OutboxRow,
    states: async () =>
      (await database.client.outbox.findMany({ orderBy: { id: 'asc' } })).map(row => row.state),
  }
}

for (const { provider, skip } of providers) {
  t.test(`${provider}: a worker whose claim was lost finishes no row that joined`, { skip }, async t => {
    const { outbox, mailTurns, enqueue, claimOne, states } = await opened(t, provider)
    await enqueue()
    await enqueue()
    const lost = await claimOne(NOW)
    t.match(await mailTurns.lead(lost, KINDS, NOW, CAP), { outcome: 'leads' })
    t.strictSame(await states(), ['queued', 'joined'])
    const again = await claimOne(later(61))
    t.equal(again.id, lost.id)
    t.equal(await outbox.finish(lost, 'sent', later(62)), false)
    t.strictSame(await states(), ['queued', 'joined'])
    t.equal(await outbox.finish(again, 'sent', later(63)), true)
    t.strictSame(await states(), ['sent', 'sent'])
  })

  t.test(`${provider}: an email gives back only its own turn`, { skip }, async t => {
    const { mailTurns, enqueue, claimOne, client } = await opened(t, provider)
    await enqueue()
    const first = await claimOne(NOW)
    await mailTurns.lead(first, KINDS, NOW, CAP)
    await enqueue()
    const second = await claimOne(NOW)
    await mailTurns.lead(second, KINDS, later(1), CAP)
    await mailTurns.giveBack(CAP.id, first)
    const turns = () => client.mailTurn.findMany({ select: { mailId: true, lastAt: true, secondAt: true } })
    t.strictSame(await turns(), [{ mailId: second.id, lastAt: later(1), secondAt: NOW }])
    await mailTurns.giveBack(CAP.id, second)
    t.strictSame(await turns(), [{ mailId: '', lastAt: NOW, secondAt: null }])
  })
}
