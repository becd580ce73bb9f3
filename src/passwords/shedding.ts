/**
 * Sheds requests that will need a hash while there is no room for one: before their bearer is looked up,
 * before a limit counts them, and before their body is read. It is the same whatever they ask.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Password } from './policy.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether requests need a hash: those whose body has a password. */
    hashes?: boolean
  }
}

async function shedding(app: FastifyInstance) {
  app.addHook('onRoute', route => {
    route.config = { ...route.config, hashes: mentions(route.schema?.body, Password) }
  })
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.routeOptions.config.hashes) app.passwords.assertRoom(request)
    done()
  })
}

/** Whether one schema is a part of another. */
function mentions(schema: unknown, part: object): boolean {
  if (schema === part) return true
  if (typeof schema !== 'object' || schema === null) return false
  return Object.values(schema).some(child => mentions(child, part))
}

export default fp(shedding, { name: 'shedding', dependencies: ['passwords'] })
