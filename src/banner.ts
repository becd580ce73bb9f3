import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { localUrl } from './config-urls.ts'
import { describePostgresqlUrl } from './database/postgresql-url.ts'
import { DEVELOPMENT_FACTOR } from './plugins/limits.ts'

/**
 * What a person wants to know when the service has started.
 *
 * @returns a few lines for the terminal, without credentials
 */
export function banner(app: FastifyInstance): string {
  const { config } = app
  const { port } = app.server.address() as AddressInfo
  const url = localUrl(config.HOST, port)
  const lines = [
    ['listening on', url],
    ['pages', config.PAGES === 'off' ? 'none: PAGES=off' : `${url}/app`],
    ['Swagger UI', config.DOCS === 'off' ? 'none: DOCS=off' : `${url}/docs`],
    ['database', withoutCredentials(config.DATABASE_URL)],
    [
      'limits in',
      config.RATE_LIMIT === 'off'
        ? 'nothing: RATE_LIMIT=off'
        : config.REDIS_URL
          ? withoutCredentials(config.REDIS_URL)
          : 'memory',
    ],
    ...(config.NODE_ENV === 'development' && config.RATE_LIMIT === 'on'
      ? [['', `${DEVELOPMENT_FACTOR} times as many as in production, since NODE_ENV is development`]]
      : []),
    ['hashes by', app.passwords.describe()],
    ['mails go to', app.mail.describe()],
    ['links lead to', config.APP_URL],
  ]
  return `\n  latchkey\n\n${lines.map(([what, where]) => `  ${what?.padEnd(14)} ${where}\n`).join('')}\n`
}

function withoutCredentials(url: string): string {
  if (url.startsWith('file:')) return url
  if (url.startsWith('postgres')) return describePostgresqlUrl(url)
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}
