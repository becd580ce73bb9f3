/** Structured logs (pino): one line for each request, without secrets. */
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config/config.ts'
import { withoutAddresses, withoutSecrets } from '../shared/log-scrub.ts'
import { logProblem, toProblem } from './error-handler.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A probe of a load balancer, which sends many: logged at debug. */
    isProbe?: true
  }
}

/**
 * Fastify's `logger` option.
 *
 * @param stream standard output by default
 */
export function logging(config: Pick<Config, 'LOG_LEVEL'>, stream?: { write(line: string): void }) {
  return {
    level: config.LOG_LEVEL,
    // Bodies, header fields and queries are not logged, because they may contain tokens.
    serializers: {
      req: (request: { method: string; url: string; ip: string }) => ({
        method: request.method,
        path: loggable(request.url),
        ip: request.ip,
      }),
      err: errorFields,
    },
    // Messages of libraries and servers may quote emails.
    hooks: { streamWrite: (line: string) => withoutAddresses(withoutSecrets(line)) },
    ...(stream && { stream }),
  }
}

interface ErrorFields {
  type: string
  message: string
  stack: string
  [key: string]: unknown
}

/** An error without the properties that drivers add, which contain values of rows. */
function errorFields(error: unknown): ErrorFields {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error), stack: '' }
  const { name: type, message, stack = '', cause } = error
  const { code } = error as NodeJS.ErrnoException
  return {
    type,
    message,
    stack,
    ...(code && { code }),
    ...(cause instanceof Error && { cause: errorFields(cause) }),
  }
}

/**
 * Fastify's `logController` option. It logs only errors that hooks throw after the response: this file logs a line for
 * each request, and the error handler the causes of 5xx.
 */
export class QuietLogController extends LogController {
  constructor() {
    super({ disableRequestLogging: true, requestIdLogLabel: 'requestId' })
  }

  override requestCompleted(error: Error | null | undefined, _request: FastifyRequest, reply: FastifyReply) {
    if (error) reply.log.error({ err: error }, 'a hook failed after the response')
  }

  // The error handler is not called for a response that fails after its start.
  override streamError(error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
    const clientIsGone = reply.raw.destroyed || error.code === 'ERR_STREAM_PREMATURE_CLOSE'
    if (!clientIsGone) logProblem(toProblem(error), request)
  }
}

/** Longer than any path of this service. */
const MAX_PATH = 512

/**
 * A path without an authority, which may contain a password, and without segments longer than an id, which may contain
 * tokens.
 */
function loggable(url: string): string {
  const path = (url.split('?', 1)[0] as string).replace(/^[a-z][a-z\d+.-]*:\/\/[^/]*/i, '')
  return path.slice(0, MAX_PATH).replace(/[^/]{37,}/g, '[long]')
}

function logResponse(request: FastifyRequest, { raw, elapsedTime }: FastifyReply) {
  const level = request.routeOptions.config.isProbe ? 'debug' : 'info'
  const isLost = request.responseEnd === 'lost'
  // parser-errors.ts responds without Fastify and sets the status for this line.
  const isRefused = isLost && !raw.headersSent && raw.statusCode >= 400
  request.log[level](
    {
      method: request.method,
      path: loggable(request.url),
      ...((raw.headersSent || isRefused) && { status: raw.statusCode }),
      ...(request.refusedAs !== null && { code: request.refusedAs }),
      ms: Math.round(elapsedTime * 10) / 10,
      ip: request.ip,
      ...(isLost && !isRefused && { complete: false }),
    },
    'answered',
  )
}

async function requestLog(app: FastifyInstance) {
  app.addHook('onRequest', (request, reply, done) => {
    request.runAfterResponse(() => logResponse(request, reply))
    done()
  })
}

export default fp(requestLog, { name: 'request-log', dependencies: ['after-response'] })
