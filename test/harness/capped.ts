// The service with rate limits, a movable clock and emails counted by recipient.
import type { Test } from 'tap'
import { confirmedAccount, startApp, type TestAppOptions, testClock } from './app.ts'
import { until } from './until.ts'

/** Due or claimed. */
const OPEN = `SELECT id FROM outbox WHERE state = 'queued' AND (next_attempt_at <= $1 OR leased_until IS NOT NULL) LIMIT 1`

let made = 0

/** Starts an app whose requests each come from another network. */
export async function capped(t: Test, options: TestAppOptions = {}) {
  const { clock, advance } = testClock(new Date('2026-03-01T12:00:00.000Z'))
  const overrides = { clock, mail: { timing: { poll: 3600 } } }
  const world = await startApp(t, { ...options, env: { RATE_LIMIT: 'on', ...options.env }, overrides })
  const post = (url: string, payload: object, { headers = {} }: { headers?: Record<string, string> } = {}) =>
    world.app.inject({
      method: 'POST',
      url,
      payload,
      headers,
      remoteAddress: `10.${++made >> 16}.${(made >> 8) & 255}.${made & 255}`,
    })
  /** Waits until the worker has seen everything that is due. */
  const idle = async () => {
    world.app.mail.wake()
    await until('all that is due is done', async () => (await world.rows.read(OPEN, [clock()])).length === 0)
  }
  return {
    ...world,
    post,
    idle,
    advance,
    now: () => clock().getTime(),
    async account() {
      await idle()
      return confirmedAccount(world)
    },
    /** Times of emails to an address. */
    async sentMails(recipient: string, kind?: string): Promise<Date[]> {
      await idle()
      const where = { recipient, state: 'sent', ...(kind && { kind }) }
      const sent = await world.rows.client.outbox.findMany({ where, orderBy: { finishedAt: 'asc' } })
      // Requests that share an email have none of their own.
      return sent
        .filter(row => row.mailId === null || row.mailId === row.id)
        .map(row => row.finishedAt as Date)
    },
  }
}

export type Capped = Awaited<ReturnType<typeof capped>>
