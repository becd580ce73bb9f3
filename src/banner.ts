/** The banner that a start prints. */
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { localUrl } from './config/urls.ts'
import { DEVELOPMENT_FACTOR } from './http/limits.ts'
import { describePostgresqlUrl } from './shared/postgresql-url.ts'
import { VERSION } from './shared/version.ts'

/** What the service reports when it has started. Contains no credentials. */
export interface ServiceFacts {
  url: string
  pages: string
  docs: string
  /** URL of the operators' API. */
  operators: string
  database: string
  limits: string
  hashes: string
  mails: string
  links: string
}

export function serviceFacts(app: FastifyInstance, operators: FastifyInstance | undefined): ServiceFacts {
  const { config } = app
  const { port } = app.server.address() as AddressInfo
  const url = localUrl(config.HOST, port)
  return {
    url,
    pages: config.PAGES === 'off' ? 'none: PAGES=off' : `${url}/app`,
    docs: config.DOCS === 'off' ? 'none: DOCS=off' : `${url}/docs`,
    operators: operators
      ? localUrl(config.OPERATOR_HOST, (operators.server.address() as AddressInfo).port)
      : 'none: OPERATOR_PORT is not set',
    database: withoutCredentials(config.DATABASE_URL),
    limits:
      config.RATE_LIMIT === 'off'
        ? 'nothing: RATE_LIMIT=off'
        : config.REDIS_URL
          ? withoutCredentials(config.REDIS_URL)
          : 'memory',
    hashes: app.passwords.describe(),
    mails: app.mail.describe(),
    links: config.APP_URL,
  }
}

/** Formats the facts for a terminal. */
export function banner(app: FastifyInstance, operators: FastifyInstance | undefined): string {
  const { config } = app
  const facts = serviceFacts(app, operators)
  const isGenerous = config.NODE_ENV === 'development' && config.RATE_LIMIT === 'on'
  const lines = [
    ['listening on', facts.url],
    ['pages', facts.pages],
    ['Swagger UI', facts.docs],
    ...(operators ? [['operators', facts.operators]] : []),
    ['database', facts.database],
    ['limits in', facts.limits],
    ...(isGenerous
      ? [['', `${DEVELOPMENT_FACTOR} times as high as in production, because NODE_ENV is development`]]
      : []),
    ['hashes by', facts.hashes],
    ['emails go to', facts.mails],
    ['links lead to', facts.links],
  ]
  return `\n  latchkey ${VERSION}\n\n${lines.map(([what, where]) => `  ${what?.padEnd(14)} ${where}\n`).join('')}\n`
}

function withoutCredentials(url: string): string {
  if (url.startsWith('file:')) return url
  if (url.startsWith('postgres')) return describePostgresqlUrl(url)
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}
