/**
 * Runs jobs after the response is sent, so that their duration leaks nothing. A client that disconnects before its
 * response, of which Fastify's `onResponse` hook hears nothing, gets rid of none of them.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { outageOf } from '../database/outage.ts'

type Job = () => Promise<unknown>

declare module 'fastify' {
  interface FastifyRequest {
    /** Jobs for after the response. */
    jobsAfterResponse: Job[] | null
    /** Runs a job once the response is sent. A failure of the job is logged and has no other effect. */
    runAfterResponse(job: Job): void
  }
}

async function afterResponse(app: FastifyInstance) {
  const running = new Set<Promise<void>>()

  app.decorateRequest('jobsAfterResponse', null)
  app.decorateRequest('runAfterResponse', function (job) {
    this.jobsAfterResponse ??= []
    this.jobsAfterResponse.push(job)
    // The client left while the request was served: nothing will be told of the response any more.
    if (this.raw.socket.destroyed) setImmediate(() => runJobs(this))
  })

  function runJobs(request: FastifyRequest) {
    const jobs = request.jobsAfterResponse ?? []
    request.jobsAfterResponse = null
    for (const job of jobs) {
      // A job that throws synchronously must not stop the others.
      const started = async () => job()
      const settled = started()
        .then(
          () => {},
          error => {
            if (outageOf(error)) app.database.outage.failed(error)
            else request.log.error({ err: error }, 'a job after the response failed')
          },
        )
        .finally(() => running.delete(settled))
      running.add(settled)
    }
  }

  app.addHook('onRequest', (request, reply, done) => {
    reply.raw.once('close', () => runJobs(request))
    done()
  })
  app.addHook('onResponse', (request, _reply, done) => {
    runJobs(request)
    done()
  })

  app.addHook('onClose', async () => void (await Promise.all(running)))
}

export default fp(afterResponse, { name: 'after-response', dependencies: ['database'] })
