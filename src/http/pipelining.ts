/**
 * Bounds what a connection may ask for without waiting for the answers (RFC 9112 section 9.3.2), and lets go of what
 * was prepared for answers that nobody is there for any more.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { problem } from '../errors.ts'

/** Browsers and proxies send one; each that waits holds memory, and perhaps a file. */
const MOST_AT_ONCE = 16

async function pipelining(app: FastifyInstance) {
  const unanswered = new WeakMap<Socket, Set<ServerResponse>>()
  const tooMany = new WeakSet<IncomingMessage>()

  // Before Fastify's own listener, which runs the first hooks at once.
  app.server.prependListener('request', (request, response) => {
    const { socket } = request
    const responses = unanswered.get(socket) ?? welcome(socket)
    if (responses.size >= MOST_AT_ONCE) tooMany.add(request)
    responses.add(response)
    response.once('close', () => responses.delete(response))
  })

  function welcome(socket: Socket): Set<ServerResponse> {
    const responses = new Set<ServerResponse>()
    unanswered.set(socket, responses)
    socket.once('close', () => {
      // Node tells this to the answer that is being sent, and not to those behind it: the files that are to be
      // sent in them would stay open for ever.
      for (const response of responses) if (response.socket === null) response.emit('close')
    })
    return responses
  }

  app.addHook('onRequest', ({ raw }, reply, done) => {
    if (!tooMany.has(raw)) return done()
    reply.header('connection', 'close')
    const detail = `No more than ${MOST_AT_ONCE} requests may wait for their answers on one connection.`
    done(problem('bad_request', { detail }))
  })
}

export default fp(pipelining, { name: 'pipelining' })
