/**
 * Structured logs (pino): one line for each request, nothing secret in any.
 */
import type { FastifyInstance } from 'fastify'
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
