/** Problem documents for bytes that Node's parser refuses. */
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Config } from '../config/config.ts'
import { CATALOGUE, type ProblemCode, problem, problemDocument } from '../errors.ts'
import { connectionOf, REFUSED } from './connections.ts'
import { newRequestId } from './request-id.ts'
import { securityFields } from './security-headers.ts'
import { logUnparsed } from './security-log.ts'

/** Node's own codes. https://nodejs.org/api/http.html#event-clienterror */
const FROM_NODE: Record<string, ProblemCode> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
}

const REASON: Partial<Record<ProblemCode, string>> = {
  bad_request: 'Bad Request',
  request_timeout: 'Request Timeout',
  headers_too_large: 'Request Header Fields Too Large',
}

/** Fastify's `clientErrorHandler`: writes a problem document to the bare socket and closes it. */
export function answerParserError(
  this: FastifyInstance,
  error: Error & { code?: string },
  socket: Socket,
): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const connection = connectionOf(socket)
  if (connection.isRefused) return
  connection.isRefused = true
  // Only the newest request of a connection can be incomplete; the refusal is its response.
  const own = connection.newest?.req.complete === false ? connection.newest : undefined
  const code = FROM_NODE[error.code ?? ''] ?? 'bad_request'
  if (own?.headersSent === false) {
    // For the log line and the limits of the request, because Fastify does not know of this response.
    own.statusCode = CATALOGUE[code][0]
    own.emit(REFUSED)
  }
  const refuse = () => {
    // A response that has started must not contain another one.
    if (own?.headersSent || !socket.writable) socket.destroy()
    else {
      const requestId = newRequestId()
      socket.end(refusal(code, requestId, this.config))
      logUnparsed(this.log, { code, requestId, ip: socket.remoteAddress })
    }
  }
  // Pipelined requests before it get their responses first.
  const last = [...connection.outstanding].filter(response => response !== own).at(-1)
  if (last) last.once('close', refuse)
  else refuse()
}

function refusal(code: ProblemCode, requestId: string, config: Config): string {
  const body = JSON.stringify(problemDocument(problem(code), requestId))
  return [
    `HTTP/1.1 ${CATALOGUE[code][0]} ${REASON[code]}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    ...Object.entries(securityFields(config)).map(([field, value]) => `${field}: ${value}`),
    `x-request-id: ${requestId}`,
    `date: ${new Date().toUTCString()}`,
    'connection: close',
    '',
    body,
  ].join('\r\n')
}
