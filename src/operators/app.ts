/** The operators' API: a separate app that shares the database, the tokens and the mail worker of the service. */
import Fastify, { type FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { OpenapiOptions } from '../http/documentation.ts'
import health from '../http/health.ts'
import openapi from '../http/openapi.ts'
import { listenerOptions, registerStack } from '../http/stack.ts'
import authenticate from './authenticate.ts'
import { eventRoutes } from './event-routes.ts'
import { introspection } from './introspection.ts'
import { keyRoutes } from './key-routes.ts'
import { mailRoutes } from './mail-routes.ts'
import { userRoutes } from './user-routes.ts'
import { versionRoutes } from './version-routes.ts'

const DOCUMENT: OpenapiOptions = {
  title: 'latchkey for operators',
  description:
    'Accounts, keys, events and emails of a service, for the people and programs that run it. Keep its port off public ' +
    'networks.\n\nThe bearer is an API key: `lk_`, an id, 256 random bits and a checksum. Each operation needs one ' +
    'scope. Create the first key on the command line.',
  tags: [
    { name: 'users', description: 'Find, invite, disable, unlock, export and delete accounts' },
    { name: 'tokens', description: 'Introspection of access tokens' },
    { name: 'events', description: 'Events of accounts, keys and emails' },
    { name: 'mails', description: 'List, retry and cancel emails' },
    { name: 'keys', description: 'API keys and their scopes' },
    { name: 'health', description: 'Probes for load balancers and orchestrators' },
  ],
  bearer: { bearerFormat: 'API key', description: 'Paste an API key, without Bearer.' },
  base: '',
  tellsRateLimits: false,
}

/** Shared by both apps; closing one does not close them. */
const SHARED = {
  database: ['database'],
  tokens: ['tokens'],
  mail: ['mail'],
  counters: ['counter', 'probeRedis'],
} as const

/**
 * Builds the operators' app without listening.
 *
 * @param service the app of `buildApp`, which outlives this one
 */
export async function buildOperatorApp(service: FastifyInstance): Promise<FastifyInstance> {
  const { config } = service
  const app: FastifyInstance = Fastify({
    loggerInstance: service.log.child({ listener: 'operators' }),
    ...listenerOptions(config),
  })
  app.decorate('config', config)
  app.decorate('clock', service.clock)
  app.decorate('uptime', service.uptime)

  const of = (name: keyof typeof SHARED) =>
    fp(
      async () => {
        for (const decorator of SHARED[name]) app.decorate(decorator, service[decorator] as never)
      },
      { name },
    )
  await registerStack(app, {
    counters: of('counters'),
    cors: false,
    limitsEverything: false,
    onOutage: error => service.database.outage.failed(error),
  })
  await app.register(openapi, DOCUMENT)
  app.addHook('onClose', app.jobsSettled)
  await app.register(of('database'))
  await app.register(of('tokens'))
  await app.register(of('mail'))
  await app.register(health)
  await app.register(authenticate)

  app.addHook('onRoute', route => {
    if (route.config?.scope === undefined) return
    route.schema = { ...route.schema, security: [{ bearer: [] }] }
  })
  for (const routes of [userRoutes, introspection, keyRoutes, eventRoutes, mailRoutes, versionRoutes]) {
    await app.register(routes)
  }
  return app
}
