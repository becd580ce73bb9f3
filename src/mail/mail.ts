/** Starts the mail worker and decorates the app with `mail`. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { MailTransport } from './transport.ts'
import { createMailTransport } from './transports.ts'
import { startMailWorker, type WorkerTiming } from './worker.ts'

declare module 'fastify' {
  interface FastifyInstance {
    mail: {
      /** Names the destination, for the banner. */
      describe(): string
      /** Tells the worker about a new row. Call it after the commit. */
      wake(): void
    }
  }
}

export interface MailOptions {
  transport?: MailTransport
  /** Whether SMTP runs in a separate thread; true by default. */
  thread?: boolean
  timing?: WorkerTiming
}

async function mail(app: FastifyInstance, options: MailOptions) {
  const transport = options.transport ?? createMailTransport(app.config, { thread: options.thread ?? true })
  let worker: ReturnType<typeof startMailWorker> | undefined
  app.decorate('mail', { describe: transport.describe, wake: () => worker?.wake() })
  app.addHook('onReady', async () => {
    worker = startMailWorker(app, transport, options.timing)
  })
  // Before the database closes: onClose hooks run in reverse order.
  app.addHook('onClose', async () => worker?.stop())
}

export default fp(mail, { name: 'mail', dependencies: ['database', 'tokens'] })
