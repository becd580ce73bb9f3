/**
 * Refuses what Node's parser lets through although RFC 9112 does not. Two programs that take the same bytes
 * for different requests are how requests are smuggled past a proxy, so whatever could be read in two
 * ways is not read at all.
 */
import type { Duplex } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { problem } from '../errors.ts'
import { httpProblem, noteResponse } from './http-problem.ts'

/** RFC 9112 section 3.2, RFC 3986 section 3.2.2: a name or an address, and perhaps a port. */
const HOST = /^(?:\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d*)?$/i

/** Browsers and proxies send some thirty; Node's bound on bytes alone would take 8,000. */
const MAX_FIELDS = 200

async function strictHttp(app: FastifyInstance) {
  // Node drops what comes after 2,000 fields: those of a proxy, behind as many of its client.
  app.server.maxHeadersCount = 0

  // Before Fastify's own listener, which may answer at once.
  app.server.prependListener('request', noteResponse)
  // Node closes the connection without a word. Nothing is tunnelled here.
  app.server.on('connect', (_request, socket: Duplex) =>
    httpProblem.call(app, new Error('CONNECT is not for origin servers'), socket as never),
  )
  // Node would answer an `Expect` that it does not know with a bare 417; RFC 9110 section 10.1.1 lets a
  // server pass it over.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))

  // What comes behind a refused request may be a part of it, and has been parsed by now.
  const refused = new WeakSet<object>()
  app.addHook('onRequest', (request, reply, done) => {
    const { socket, headers } = request.raw
    // Node forgets what comes behind it in the same packet, and whoever sent that would wait.
    if (headers.upgrade !== undefined) reply.header('connection', 'close')
    if (request.raw.rawHeaders.length > 2 * MAX_FIELDS) return done(problem('headers_too_large'))
    const reason = refused.has(socket) ? 'The request before it is not valid HTTP.' : objection(request)
    if (reason === undefined) return done()
    refused.add(socket)
    reply.header('connection', 'close')
    done(problem('bad_request', { detail: reason }))
  })
}

function objection({ raw }: FastifyRequest): string | undefined {
  const { httpVersion, headers } = raw
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 'The version of HTTP must be 1.1 or 1.0.'
  const hosts = fieldsOf(raw.rawHeaders, 'host')
  if (hosts.length > 1 || (hosts.length === 0 && httpVersion === '1.1')) {
    return 'There must be one Host field.'
  }
  if (!HOST.test(hosts[0] ?? '')) return 'The Host field is not valid.'
  const coding = headers['transfer-encoding']
  if (coding === undefined) return undefined
  // Node takes a list that ends with chunked for chunked alone, an empty one for none, and HTTP/1.0 for 1.1.
  if (coding.toLowerCase() !== 'chunked') return 'The only transfer coding is chunked.'
  if (httpVersion === '1.0') return 'HTTP/1.0 has no transfer codings.'
  return undefined
}

/** The values of all fields of a name; all but the first Host are gone from `headers`. */
function fieldsOf(rawHeaders: string[], name: string): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name)
}

export default fp(strictHttp, { name: 'strict-http', dependencies: ['rate-limit'] })
