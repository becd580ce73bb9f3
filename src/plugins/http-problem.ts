/**
 * Problem documents for requests that never become one: Node's parser refused them, or the router did.
 */
import type { Socket } from 'node:net'
import { v7 as uuidv7 } from 'uuid'
import { CATALOGUE, type ProblemCode, problem, problemDocument } from '../errors.ts'

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

/** Fastify's `clientErrorHandler`: writes the answer to the bare socket and closes it. */
export function httpProblem(error: Error & { code?: string }, socket: Socket): void {
  // The client is gone, or an answer to an earlier request is already on its way.
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const code = FROM_NODE[error.code ?? ''] ?? 'bad_request'
  const requestId = uuidv7()
  const body = JSON.stringify(problemDocument(problem(code), requestId))
  socket.end(
    [
      `HTTP/1.1 ${CATALOGUE[code][0]} ${REASON[code]}`,
      'content-type: application/problem+json',
      `content-length: ${Buffer.byteLength(body)}`,
      'cache-control: no-store',
      'x-content-type-options: nosniff',
      `x-request-id: ${requestId}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  )
}

/**
 * Fastify's `rewriteUrl`. A path that is no valid percent-encoding would be answered by the router
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
