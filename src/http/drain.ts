/**
 * The first half of a shutdown: load balancers and clients are told to go elsewhere while this instance
 * still serves. Without it `close()` would cut them off, or wait for connections that nobody ends.
 */
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** Turns readiness off and asks clients to let go of their connections. Everything is still served. */
    drain(): void
    isDraining(): boolean
  }
}

/** A request that was sent before the listener closed is read by then, even on a busy machine. */
const ARRIVAL_MS = 500

async function drain(app: FastifyInstance) {
  let draining = false
  app.decorate('drain', () => {
    draining = true
  })
  app.decorate('isDraining', () => draining)

  // A kept-alive connection that turns idle after `close()` began holds it up for the keep-alive time.
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (draining) reply.header('connection', 'close')
    done()
  })

  // Node does not take a connection for idle on which no request has come yet (a browser's spare one, a
  // load balancer's pool), and no longer looks at its time limits once it closes.
  const unused = new Set<Socket>()
  app.server.on('connection', socket => {
    unused.add(socket)
    socket.once('close', () => unused.delete(socket))
  })
  app.server.on('request', ({ socket }) => unused.delete(socket))
  app.addHook('preClose', async () => {
    draining = true
    setTimeout(() => {
      for (const socket of unused) socket.destroy()
    }, ARRIVAL_MS).unref()
  })
}

export default fp(drain, { name: 'drain' })
