/**
 * Mail: the transport and the worker behind the outbox. Decorates the app with `mail`.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { MailTransport } from './transport.ts'
import { createMailTransport } from './transports.ts'
import { startMailWorker, type WorkerTiming } from './worker.ts'

declare module 'fastify' {
  interface FastifyInstance {
    mail: {
      /** Where mails go, for the banner. */
      describe(): string
      /** Tells the worker of a new row; to be called once its transaction is committed. */
      wake(): void
    }
  }
}

export interface MailOptions {
  transport?: MailTransport
  /** Whether SMTP is spoken in a thread of its own; true by default. */
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
  // Before the database closes: hooks of onClose run in reverse order of their registration.
  app.addHook('onClose', async () => worker?.stop())
}

export default fp(mail, { name: 'mail', dependencies: ['database', 'tokens'] })
