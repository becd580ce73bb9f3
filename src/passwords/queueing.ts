/**
 * Where requests that will need a hash meet its queue. Where there is no room they are shed: before their bearer is
 * looked up, before a limit counts them, and before their body is read; the same whatever they ask. The others have
 * their place from then on, and wait for their turn as soon as their body is read and in order. Until then a new request
 * may take the place, so that slow bodies hold no places.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Marks a route that hashes a password: its requests reserve a place in the hash queue. */
    hashes?: boolean
  }
}

async function queueing(app: FastifyInstance) {
  const { passwords } = app

  app.addHook('onRoute', route => {
    if (!route.config?.hashes) return
    // Behind the route's own, which may refuse a request that need not wait for it.
    route.preHandler = [...all(route.preHandler), async request => passwords.turn(request)]
    // Whoever breaks off has given the place back then.
    route.onResponse = [...all(route.onResponse), async request => passwords.release(request)]
  })
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.routeOptions.config.hashes) passwords.reserve(request)
    done()
  })
}

/** The hooks of a route, of which it may have none, one or many. */
function all<Hook>(hooks: Hook | Hook[] | undefined): Hook[] {
  return [hooks ?? []].flat() as Hook[]
}

export default fp(queueing, { name: 'queueing', dependencies: ['passwords'] })
