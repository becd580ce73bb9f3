/**
 * Work that an answer must not wait for, because its duration would tell something.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { outageOf } from '../database/outage.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Runs a job once the answer is sent. Its failure is logged and nothing else. */
    afterwards(job: () => Promise<unknown>): void
  }
}

async function afterwards(app: FastifyInstance) {
  const jobs = new WeakMap<FastifyRequest, (() => Promise<unknown>)[]>()
  const underWay = new Set<Promise<void>>()

  app.decorateRequest('afterwards', function (job) {
    jobs.set(this, [...(jobs.get(this) ?? []), job])
  })

  app.addHook('onResponse', (request, _reply, ready) => {
    for (const job of jobs.get(request) ?? []) {
      // One that throws at once must not keep the others from their turn.
      const begun = async () => job()
      const done = begun()
        .then(
          () => {},
          error => {
            if (outageOf(error)) app.database.outage.failed(error)
            else request.log.error({ err: error }, 'what was to be done after the answer failed')
          },
        )
        .finally(() => underWay.delete(done))
      underWay.add(done)
    }
    ready()
  })

  app.addHook('onClose', async () => void (await Promise.all(underWay)))
}

export default fp(afterwards, { name: 'afterwards', dependencies: ['database'] })
