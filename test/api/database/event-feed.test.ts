/**
 * The feed of all events: a reader that continues from its last position misses none, however late a transaction
 * commits.
 */
import t from 'tap'
import { openDatabase } from '../../../src/database/index.ts'
import { eventFeed } from '../../../src/database/queries/event-feed.ts'
import { insertEvent } from '../../../src/database/queries/events.ts'
import type { Run } from '../../../src/database/sql.ts'
import { freshDatabase, providers } from '../../harness/database.ts'

const origin = { ip: null, device: null, requestId: null }
const newEvent = (run: Run, userId: string) =>
  insertEvent(run, { userId, kind: 'logged_in', at: new Date(), origin })

for (const { provider, skip } of providers) {
  t.test(`${provider}: a reader gets each event once while four writers write`, { skip }, async t => {
    const url = await freshDatabase(t, provider)
    // SQLite allows one process per file.
    const opened = await Promise.all(
      Array.from({ length: provider === 'sqlite' ? 1 : 3 }, () => openDatabase(url)),
    )
    t.teardown(() => Promise.all(opened.map(({ close }) => close())))
    const [first] = opened as [(typeof opened)[number]]
    const written: string[] = []
    let writing = true
    const writer = async (number: number) => {
      const { statements } = opened[number % opened.length] as (typeof opened)[number]
      for (let i = 0; i < 40; i++) {
        const names = Array.from({ length: 1 + (i % 3) }, (_, part) => `${number} ${i} ${part}`)
        await statements.transaction(async run => {
          for (const name of names) {
            await newEvent(run, name)
            // Other transactions begin later and commit earlier.
            if (provider === 'postgresql') await run(`SELECT pg_sleep(0.00${(i * number) % 7})`, [])
          }
        })
        written.push(...names)
      }
    }
    const reader = async ({ statements }: (typeof opened)[number]) => {
      const seen: { name: string | null; position: number }[] = []
      for (let last = false; ; last = !writing) {
        const page = await eventFeed(statements).next(seen.at(-1)?.position ?? 0, 7)
        seen.push(...page.map(({ userId: name, position }) => ({ name, position })))
        if (page.length === 0 && last) return seen
        await new Promise(resolve => setImmediate(resolve))
      }
    }
    const readers = opened.map(reader)
    await Promise.all([1, 2, 3, 4].map(writer))
    writing = false
    const all = await Promise.all(readers)
    t.equal(written.length, 316)
    for (const seen of all) {
      t.strictSame(seen.map(({ name }) => name).sort(), written.sort())
      t.strictSame(
        seen.map(({ position }) => position),
        written.map((_, index) => index + 1),
        'positions have no gaps',
      )
    }
    t.equal(await first.client.event.count({ where: { position: null } }), 0)
  })

  t.test(`${provider}: positions are not reused after events are removed`, { skip }, async t => {
    const { client, statements, close } = await openDatabase(await freshDatabase(t, provider))
    t.teardown(close)
    const { next } = eventFeed(statements)
    await newEvent(statements.change, 'one')
    await newEvent(statements.change, 'two')
    t.strictSame(
      (await next(0, 10)).map(({ position }) => position),
      [1, 2],
    )
    await client.event.deleteMany()
    await newEvent(statements.change, 'three')
    t.strictSame(
      (await next(2, 10)).map(({ userId, position }) => [userId, position]),
      [['three', 3]],
    )
    t.strictSame(await next(3, 10), [])
  })

  t.test(`${provider}: more events than one batch get their positions in order`, { skip }, async t => {
    const { client, statements, close } = await openDatabase(await freshDatabase(t, provider))
    t.teardown(close)
    const { next } = eventFeed(statements)
    const ids = Array.from({ length: 1001 }, (_, i) => String(i).padStart(4, '0'))
    const events = [...ids].reverse().map(id => ({ id, kind: 'logged_in', at: new Date() }))
    await client.event.createMany({ data: events })
    const pages: number[] = []
    const seen: [string, number][] = []
    for (let last = 0; ; last = seen.at(-1)?.[1] ?? 0) {
      const page = await next(last, 400)
      seen.push(...page.map(({ id, position }): [string, number] => [id, position]))
      if (page.length === 0) break
      pages.push(page.length)
    }
    t.strictSame(
      seen,
      ids.map((id, index) => [id, index + 1]),
    )
    t.equal(pages[0], 400)
  })

  // SQLite runs one transaction at a time.
  if (provider === 'sqlite') continue
  t.test(`${provider}: a reader does not wait for an event that is being changed`, { skip }, async t => {
    const { statements, close } = await openDatabase(await freshDatabase(t, provider))
    t.teardown(close)
    const { next } = eventFeed(statements)
    await newEvent(statements.change, 'locked')
    await newEvent(statements.change, 'free')
    await statements.transaction(async run => {
      await run(`UPDATE events SET ip = NULL WHERE user_id = 'locked'`, [])
      t.strictSame(
        (await next(0, 10)).map(({ userId }) => userId),
        ['free'],
      )
    })
    t.strictSame(
      (await next(1, 10)).map(({ userId, position }) => [userId, position]),
      [['locked', 2]],
    )
  })
}
