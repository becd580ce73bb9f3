/**
 * Refuses what Node's parser accepts although RFC 9112 does not. Two programs that read the same bytes as different
 * requests are how requests are smuggled past a proxy, so nothing ambiguous is read at all.
 */
import type { Duplex } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { problem } from '../errors.ts'
import { connectionOf, MAX_OUTSTANDING } from './connections.ts'
import { answerParserError } from './parser-errors.ts'

/** RFC 9112 section 3.2, RFC 3986 section 3.2.2: a name or an address, and perhaps a port. */
const HOST = /^(?:\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d*)?$/i

/** Browsers and proxies send some thirty; Node's bound on bytes alone would accept 8,000. */
const MAX_FIELDS = 200

/** Fields of which Node reads the first; a proxy may read the last. */
const SINGLE = new Map(['Host', 'Authorization', 'Content-Type'].map(name => [name.toLowerCase(), name]))

async function strictHttp(app: FastifyInstance) {
  // Node drops the fields after the 2,000th: those of a proxy, behind as many of its client.
  app.server.maxHeadersCount = 0
  // Node closes the connection without a response. Nothing is tunnelled here.
  app.server.on('connect', (_request, socket: Duplex) =>
    answerParserError.call(app, new Error('CONNECT is not for origin servers'), socket as never),
  )
  // Node would answer an unknown `Expect` with a bare 417. RFC 9110 section 10.1.1 lets a server ignore it.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))

  app.addHook('onRequest', (request, reply, done) => {
    const { socket, headers, rawHeaders } = request.raw
    // Node drops what follows in the same packet, and its client would wait.
    if (headers.upgrade !== undefined) reply.header('connection', 'close')
    if (rawHeaders.length > 2 * MAX_FIELDS) return done(problem('headers_too_large'))
    const connection = connectionOf(socket)
    const detail = connection.isDistrusted
      ? 'The request before it is not valid HTTP.'
      : (objection(request) ?? pipelineObjection(request))
    if (detail === undefined) return done()
    connection.isDistrusted = true
    reply.header('connection', 'close')
    done(problem('bad_request', { detail }))
  })
}

/** RFC 9112 section 9.3.2. */
function pipelineObjection({ exceedsPipeline }: FastifyRequest): string | undefined {
  if (!exceedsPipeline) return undefined
  return `No more than ${MAX_OUTSTANDING} requests may wait for their responses on one connection.`
}

function objection({ raw }: FastifyRequest): string | undefined {
  const { httpVersion, headers } = raw
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 'The version of HTTP must be 1.1 or 1.0.'
  const repeated = repeatedField(raw.rawHeaders)
  if (repeated !== undefined) return `There must be one ${repeated} field.`
  if (headers.host === undefined && httpVersion === '1.1') return 'There must be one Host field.'
  if (!HOST.test(headers.host ?? '')) return 'The Host field is not valid.'
  const coding = headers['transfer-encoding']
  if (coding === undefined) return undefined
  // Node reads a list that ends with chunked as chunked, an empty one as none, and HTTP/1.0 as 1.1.
  if (coding.toLowerCase() !== 'chunked') return 'The only transfer coding is chunked.'
  if (httpVersion === '1.0') return 'HTTP/1.0 has no transfer codings.'
  return undefined
}

/** Returns the name of a field of `SINGLE` that comes twice. */
function repeatedField(rawHeaders: string[]): string | undefined {
  const seen = new Set<string>()
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = SINGLE.get((rawHeaders[i] as string).toLowerCase())
    if (name !== undefined && seen.has(name)) return name
    if (name !== undefined) seen.add(name)
  }
  return undefined
}

export default fp(strictHttp, { name: 'strict-http', dependencies: ['connections', 'rate-limit'] })
