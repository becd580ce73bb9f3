/**
 * The state of each connection and of the responses on it: which are outstanding, when one has ended, and whether
 * connections are being drained.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

/** A client's connection. */
export interface Connection {
  /** Responses that have not ended, in the order of their requests. */
  readonly outstanding: Set<ServerResponse>
  /** The response to the newest request, as long as the body of that request may be incomplete. */
  newest: ServerResponse | undefined
  /** A request was not valid HTTP, so what follows it may be a part of it. */
  isDistrusted: boolean
  /** The parser gave up. It reports that again for each further chunk. */
  isRefused: boolean
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Turns readiness off and closes each connection after its next response. Requests are still served. */
    drain(): void
    isDraining(): boolean
  }
  interface FastifyRequest {
    /** `sent` once the whole response is sent, `lost` once the client has disconnected before that; else null. */
    responseEnd: 'sent' | 'lost' | null
    /** Whether more requests than `MAX_OUTSTANDING` were outstanding on the connection. */
    exceedsPipeline: boolean
  }
}

/** Browsers and proxies send one request at a time. Each outstanding one holds memory, and perhaps a file. */
export const MAX_OUTSTANDING = 16
/** Event of a response whose request the parser refuses: the reply is decided, and Fastify does not send it. */
export const REFUSED = Symbol('refused')
/** By then, a request that was sent before the listener closed has been read, even on a busy machine. */
const ARRIVAL_MS = 500

const connections = new WeakMap<object, Connection>()

/** The state of the connection on a socket. */
export function connectionOf(socket: object): Connection {
  let connection = connections.get(socket)
  if (connection === undefined) {
    connection = { outstanding: new Set(), newest: undefined, isDistrusted: false, isRefused: false }
    connections.set(socket, connection)
  }
  return connection
}

async function connectionState(app: FastifyInstance) {
  /** Sockets without a request so far. */
  const unused = new Set<Socket>()
  let draining = false

  app.decorate('drain', () => {
    draining = true
  })
  app.decorate('isDraining', () => draining)
  app.decorateRequest('responseEnd', null)
  app.decorateRequest('exceedsPipeline', false)

  app.server.on('connection', socket => {
    // Node caches the address at the first read. After a disconnect there is none, and limits would fail with 500.
    if (socket.remoteAddress === undefined) socket.destroy()
    unused.add(socket)
    socket.once('close', () => {
      unused.delete(socket)
      // Node tells the response that is being sent, and not those behind it, whose open files would leak.
      for (const response of connectionOf(socket).outstanding) {
        if (response.socket === null) response.emit('close')
      }
    })
  })

  // Before all other hooks for requests, and synchronous, so that it sees requests in their order.
  app.addHook('onRequest', (request, { raw: response }, done) => {
    const { socket } = request.raw
    const connection = connectionOf(socket)
    unused.delete(socket)
    request.exceedsPipeline = connection.outstanding.size >= MAX_OUTSTANDING
    connection.outstanding.add(response)
    connection.newest = response
    const end = (outcome: 'sent' | 'lost') => {
      if (request.responseEnd !== null) return
      request.responseEnd = outcome
      connection.outstanding.delete(response)
      if (connection.newest === response && request.raw.complete) connection.newest = undefined
    }
    response.once('finish', () => end('sent'))
    response.once('close', () => end('lost'))
    done()
  })

  // A kept-alive connection that becomes idle after `close()` began would delay the end.
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (draining) reply.header('connection', 'close')
    done()
  })
  // Node does not count an unused connection as idle, and checks no timeouts once it closes.
  app.addHook('preClose', async () => {
    draining = true
    setTimeout(() => {
      for (const socket of unused) socket.destroy()
    }, ARRIVAL_MS).unref()
  })
}

export default fp(connectionState, { name: 'connections' })
