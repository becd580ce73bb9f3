/**
 * Jobs that run once a reply is decided or once its response has ended, because the response must not wait for them or
 * tell how long they take.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { outageOf } from '../database/outage.ts'
import { REFUSED } from './connections.ts'

type Job = () => unknown
type JobList = 'jobsOnReply' | 'jobsAfterResponse'

declare module 'fastify' {
  interface FastifyInstance {
    /** Waits for the jobs that run after responses. */
    jobsSettled(): Promise<void>
  }
  interface FastifyRequest {
    jobsOnReply: Job[] | null
    jobsAfterResponse: Job[] | null
    /**
     * Runs a job once the reply is ready to be sent, whether or not the client reads it, or once the client has
     * disconnected, and at once where the response has ended already. A client that reads nothing, or pipelines
     * requests behind a response that it does not read, keeps its responses from ending. A failure of the job is logged
     * and has no other effect.
     */
    runOnReply(job: Job): void
    /**
     * Runs a job once the response has ended, also where the client disconnects before it, and at once where it has
     * ended already. A failure of the job is logged and has no other effect.
     */
    runAfterResponse(job: Job): void
  }
}

interface AfterResponseOptions {
  /** Receives an error of a job that is an outage of the database. */
  onOutage(error: unknown): void
}

async function afterResponse(app: FastifyInstance, { onOutage }: AfterResponseOptions) {
  const running = new Set<Promise<void>>()

  app.decorate('jobsSettled', async () => void (await Promise.all(running)))
  app.decorateRequest('jobsOnReply', null)
  app.decorateRequest('jobsAfterResponse', null)
  app.decorateRequest('runOnReply', function (job) {
    add(this, 'jobsOnReply', job)
  })
  app.decorateRequest('runAfterResponse', function (job) {
    add(this, 'jobsAfterResponse', job)
  })

  app.addHook('onRequest', (request, { raw: response }, done) => {
    const end = () => {
      runAll(request, 'jobsOnReply')
      runAll(request, 'jobsAfterResponse')
    }
    response.once(REFUSED, () => runAll(request, 'jobsOnReply'))
    // Behind the listeners of connections.ts, which set `responseEnd`.
    response.once('finish', end)
    response.once('close', end)
    done()
  })

  app.addHook('onSend', (request, _reply, _payload, done) => {
    runAll(request, 'jobsOnReply')
    done()
  })

  function add(request: FastifyRequest, list: JobList, job: Job) {
    if (request.responseEnd !== null) return run(job, request)
    request[list] ??= []
    request[list].push(job)
  }

  function runAll(request: FastifyRequest, list: JobList) {
    const jobs = request[list] ?? []
    request[list] = null
    for (const job of jobs) run(job, request)
  }

  function run(job: Job, request: FastifyRequest) {
    const failed = (error: unknown) => {
      if (outageOf(error)) onOutage(error)
      else request.log.error({ err: error }, 'a job after the response failed')
    }
    try {
      const result = job()
      if (!(result instanceof Promise)) return
      const settled: Promise<void> = result.catch(failed).finally(() => running.delete(settled))
      running.add(settled)
    } catch (error) {
      failed(error)
    }
  }
}

export default fp(afterResponse, { name: 'after-response', dependencies: ['connections'] })
