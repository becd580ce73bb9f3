/**
 * Problem documents for requests that never become one: Node's parser refused them, or the router did.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Config } from '../config/config.ts'
import { CATALOGUE, type ProblemCode, problem, problemDocument } from '../errors.ts'
import { newRequestId } from './request-id.ts'
import { securityFields } from './security-fields.ts'
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

/** Answers of each connection that are not sent yet, or whose requests still come; in their order. */
const underWay = new WeakMap<object, ServerResponse[]>()
/** Connections whose parser gave up: it says so again for each piece that still comes. */
const refused = new WeakSet<object>()

/** To be called with each request, so that a refusal does not overtake the answers before it. */
export function noteResponse({ socket }: IncomingMessage, response: ServerResponse): void {
  underWay.set(socket, [...pending(socket), response])
}

function pending(socket: object): ServerResponse[] {
  return (underWay.get(socket) ?? []).filter(
    ({ writableFinished, req }) => !writableFinished || !req.complete,
  )
}

/** Fastify's `clientErrorHandler`: writes the answer to the bare socket and closes it. */
export function httpProblem(this: FastifyInstance, error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  if (refused.has(socket)) return
  refused.add(socket)
  // The request whose body is wrong is answered by this refusal. Those before it, which a client sent
  // without waiting, get their own answers first, or it would take this one for the first of theirs.
  const before = pending(socket).filter(({ req }) => req.complete)
  const own = pending(socket).find(({ req }) => !req.complete)
  const refuse = () => {
    // An answer that has begun, such as that to a body that was too large, must not have another in it.
    if (own?.headersSent || !socket.writable) socket.destroy()
    else {
      const code = FROM_NODE[error.code ?? ''] ?? 'bad_request'
      const requestId = newRequestId()
      // For the request's line in the log: Fastify learns nothing of this.
      if (own) own.statusCode = CATALOGUE[code][0]
      socket.end(refusal(code, requestId, this.config))
      logUnparsed(this.log, { code, requestId, ip: socket.remoteAddress })
    }
  }
  const last = before.at(-1)
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

/**
 * For Fastify's `rewriteUrl`. A path that is no valid percent-encoding would be answered by the router
 * itself, past every limit and without a line in the log; escaped once more it is a path like any other
 * that leads nowhere.
 */
export function escapeMalformed({ url = '/' }: { url?: string | undefined }): string {
  if (!url.includes('%')) return url
  const [path = '/'] = url.split(/[?#]/, 1)
  try {
    decodeURIComponent(path)
    return url
  } catch {
    return url.replaceAll('%', '%25')
  }
}
