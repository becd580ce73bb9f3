/**
 * Structured logs (pino): one line for each request, nothing secret in any.
 */
import { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'

/** Names of what is never readable in a log, wherever it stands. */
const SECRETS = [
  'password',
  'newPassword',
  'currentPassword',
  'token',
  'refreshToken',
  'accessToken',
  'authorization',
  'cookie',
]

/**
 * Fastify's `logger` option.
 *
 * @param stream where lines go; standard output by default
 */
export function logging(config: Pick<Config, 'LOG_LEVEL'>, stream?: { write(line: string): void }) {
  return {
    level: config.LOG_LEVEL,
    // Nothing logs these on purpose; this is for whoever does by accident.
    redact: {
      paths: [
        ...SECRETS.flatMap(name => [name, `body.${name}`, `headers.${name}`, `*.${name}`]),
        'body.code',
        '["set-cookie"]',
        'headers["set-cookie"]',
        '*["set-cookie"]',
      ],
      censor: '[redacted]',
    },
    // Bodies, header fields and queries stay out: somebody will put a token there.
    serializers: {
      req: (request: { method: string; url: string; ip: string }) => ({
        method: request.method,
        path: loggable(request.url),
        ip: request.ip,
      }),
    },
    ...(stream && { stream }),
  }
}

/**
 * Fastify's `logController` option: quiet, since there is one line a request from here and the causes of 5xx from
 * the error handler. What a hook throws after the answer reaches neither of them.
 */
export function logController(): LogController {
  const quiet = new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' })
  return Object.assign(quiet, {
    requestCompleted(error: Error | null | undefined, _request: FastifyRequest, reply: FastifyReply) {
      if (error) reply.log.error({ err: error }, 'a hook failed after the answer')
    },
  })
}

/** A path without what is longer than an id: somebody will put a token there, too. */
function loggable(url: string): string {
  return (url.split('?', 1)[0] as string).replace(/[^/]{37,}/g, '[long]')
}

async function log(app: FastifyInstance) {
  app.addHook('onResponse', (request, reply, done) => {
    request.log.info(
      {
        method: request.method,
        path: loggable(request.url),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        ip: request.ip,
      },
      'answered',
    )
    done()
  })
}

export const requestLog = fp(log, { name: 'request-log' })
