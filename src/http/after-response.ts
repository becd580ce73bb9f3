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
    /** Set with the first job. */
    stopWaitingForClose: (() => void) | null
    /** Runs a job once the response is sent. A failure of the job is logged and has no other effect. */
    runAfterResponse(job: Job): void
  }
}

async function afterResponse(app: FastifyInstance) {
  const running = new Set<Promise<void>>()

  app.decorateRequest('jobsAfterResponse', null)
  app.decorateRequest('stopWaitingForClose', null)
  app.decorateRequest('runAfterResponse', function (job) {
    if (this.jobsAfterResponse === null) {
      this.jobsAfterResponse = []
      const { socket } = this.raw
      const run = () => runJobs(this)
      // It may be gone by now, while a password was hashed.
      if (socket.destroyed) setImmediate(run)
      else socket.once('close', run)
      this.stopWaitingForClose = () => socket.off('close', run)
    }
    this.jobsAfterResponse.push(job)
  })

  function runJobs(request: FastifyRequest) {
    request.stopWaitingForClose?.()
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

  app.addHook('onResponse', (request, _reply, done) => {
    runJobs(request)
    done()
  })

  app.addHook('onClose', async () => void (await Promise.all(running)))
}

export default fp(afterResponse, { name: 'after-response', dependencies: ['database'] })
