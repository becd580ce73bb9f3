/**
 * Removes what has run out: sessions, registrations, finished mails.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

const HOUR_MS = 3_600_000
/** The mail caps count an hour back; the rest of the day is for whoever looks for a lost mail. */
const KEEP_MAILS_MS = 24 * HOUR_MS
/** Time for an operator to see that mails do not arrive; then the address is forgotten. */
const KEEP_DEAD_LETTERS_MS = 30 * 24 * HOUR_MS

export interface HousekeepingOptions {
  /** Milliseconds from one sweep to the next, on average; for tests that cannot wait. */
  interval?: number
}

async function housekeeping(app: FastifyInstance, { interval = HOUR_MS }: HousekeepingOptions) {
  let timer: NodeJS.Timeout | undefined
  let sweeping: Promise<void> | undefined

  async function sweep() {
    const { sessions, registrations, outbox, guesses, events } = app.database
    const now = app.clock()
    try {
      await sessions.purgeExpired(now)
      await registrations.purgeExpired(now)
      await guesses.purgeExpired(now)
      await events.purgeOlder(new Date(now.getTime() - app.config.EVENT_RETENTION * 1000))
      const ago = (milliseconds: number) => new Date(now.getTime() - milliseconds)
      await outbox.purgeFinished(ago(KEEP_MAILS_MS), ago(KEEP_DEAD_LETTERS_MS))
    } catch (error) {
      app.log.error({ err: error }, 'what has run out could not be removed')
    }
  }

  function schedule() {
    // Not in step with other instances, which would all delete the same rows at the same time.
    timer = setTimeout(
      () => {
        sweeping = sweep().finally(schedule)
      },
      interval * (0.5 + Math.random()),
    ).unref()
  }

  app.addHook('onReady', async () => schedule())
  app.addHook('onClose', async () => {
    clearTimeout(timer)
    await sweeping
    clearTimeout(timer)
  })
}

export default fp(housekeeping, { name: 'housekeeping', dependencies: ['database'] })
