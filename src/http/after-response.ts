/** Jobs that run once a response has ended, because it must not wait for them or tell how long they take. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { outageOf } from '../database/outage.ts'

type Job = () => unknown

declare module 'fastify' {
  interface FastifyInstance {
    /** Waits for the jobs that run after responses. */
    jobsSettled(): Promise<void>
  }
  interface FastifyRequest {
    jobsAfterResponse: Job[] | null
    /**
     * Runs a job once the response has ended, also where the client disconnects before it, and at once where it has
     * ended already. A failure of the job is logged and has no other effect.
     */
    runAfterResponse(job: Job): void
  }
}

export interface AfterResponseOptions {
  /** Receives an error of a job that is an outage of the database. */
  onOutage(error: unknown): void
}

async function afterResponse(app: FastifyInstance, { onOutage }: AfterResponseOptions) {
  const running = new Set<Promise<void>>()

  app.decorate('jobsSettled', async () => void (await Promise.all(running)))
  app.decorateRequest('jobsAfterResponse', null)
  app.decorateRequest('runAfterResponse', function (job) {
    if (this.responseEnd !== null) return run(job, this)
    this.jobsAfterResponse ??= []
    this.jobsAfterResponse.push(job)
  })

  app.addHook('onRequest', (request, { raw: response }, done) => {
    const end = () => {
      const jobs = request.jobsAfterResponse ?? []
      request.jobsAfterResponse = null
      for (const job of jobs) run(job, request)
    }
    // Behind the listeners of connections.ts, which set `responseEnd`.
    response.once('finish', end)
    response.once('close', end)
    done()
  })

  function run(job: Job, request: FastifyRequest) {
    const started = async () => job()
    const settled = started()
      .then(
        () => {},
        error => {
          if (outageOf(error)) onOutage(error)
          else request.log.error({ err: error }, 'a job after the response failed')
        },
      )
      .finally(() => running.delete(settled))
    running.add(settled)
  }
}

export default fp(afterResponse, { name: 'after-response', dependencies: ['connections'] })
