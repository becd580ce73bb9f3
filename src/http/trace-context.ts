/**
 * The id and the trace of a request, from `x-request-id` and `traceparent` of a trusted proxy. Ignored from anybody
 * else, who could use the id of another request. Values are bounded, because a proxy may pass on those of a client.
 */
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import fp from 'fastify-plugin'
import { trustOf } from '../config/proxies.ts'
import { parseTraceparent, traceFields } from '../shared/trace.ts'
import { newRequestId } from './request-id.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** W3C Trace Context from a trusted proxy. */
    traceparent: string | null
  }
}

/** Hexadecimal, as proxies make them: the history shows it to the owner, and a proxy may pass on a text of a client. */
const REQUEST_ID = /^[\da-f][\da-f._:-]{0,63}$/i

/**
 * Fastify's options for the ids and the loggers of requests.
 *
 * @param trustProxy TRUST_PROXY
 */
export function traceOptions(
  trustProxy: string | undefined,
): Pick<FastifyServerOptions, 'genReqId' | 'childLoggerFactory'> {
  if (trustProxy === undefined) return { genReqId: newRequestId }
  const isTrusted = trustOf(trustProxy)
  const traceparentOf = traceparentFrom(trustProxy)
  return {
    genReqId({ headers, socket }) {
      const given = headers['x-request-id']
      const isTaken = typeof given === 'string' && REQUEST_ID.test(given) && isTrusted(socket.remoteAddress)
      return isTaken ? given : newRequestId()
    },
    childLoggerFactory: (logger, bindings, options, raw) =>
      logger.child({ ...bindings, ...traceFields(traceparentOf(raw as IncomingMessage)) }, options),
  }
}

function traceparentFrom(trustProxy: string | undefined) {
  const isTrusted = trustOf(trustProxy)
  return ({ headers, socket }: IncomingMessage): string | null =>
    headers['traceparent'] !== undefined && isTrusted(socket.remoteAddress)
      ? parseTraceparent(headers['traceparent'])
      : null
}

async function traceContext(app: FastifyInstance) {
  const traceparentOf = traceparentFrom(app.config.TRUST_PROXY)
  app.decorateRequest('traceparent', {
    getter() {
      return traceparentOf(this.raw)
    },
  })
}

export default fp(traceContext, { name: 'trace-context' })
