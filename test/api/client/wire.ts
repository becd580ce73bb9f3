/** A transport between client and service: counts requests, keeps the cookie, and simulates network failures. */
import type { FastifyInstance } from 'fastify'
import { type ClientOptions, createClient } from '../../../client/src/index.ts'

/** A failure before the service receives the request, or after it has processed it. */
export type Failure = 'never sent' | 'response lost' | Response

export interface Wire {
  fetch: (request: Request) => Promise<Response>
  /** `POST /login` and the like, in order. */
  sent: string[]
  /** Called for each request; returns its failure, if any. */
  failure: (request: Request) => Failure | undefined
  /** Whether the browser keeps cookies. */
  keepsCookies: boolean
}

/** A transport to an app; keeps cookies as a browser does. */
export function wireTo(app: FastifyInstance): Wire {
  let jar: string | undefined
  const wire: Wire = {
    sent: [],
    failure: () => undefined,
    keepsCookies: true,
    async fetch(request) {
      const { pathname, search } = new URL(request.url)
      wire.sent.push(`${request.method} ${pathname}`)
      const failure = wire.failure(request)
      if (failure === 'never sent') throw new TypeError('fetch failed')
      if (failure instanceof Response) return failure
      const payload = await request.text()
      const isRefresh = pathname === '/token/refresh'
      const answer = await app.inject({
        method: request.method as 'GET',
        url: pathname + search,
        headers: { ...Object.fromEntries(request.headers), ...(isRefresh && jar && { cookie: jar }) },
        ...(payload !== '' && { payload }),
      })
      if (failure === 'response lost') throw new TypeError('terminated')
      const set = answer.headers['set-cookie']
      if (wire.keepsCookies && set !== undefined) {
        jar = /Max-Age=0/.test(String(set)) ? undefined : String(set).split(';')[0]
      }
      const { 'content-type': type = '', 'retry-after': retryAfter } = answer.headers
      const headers = {
        'content-type': String(type),
        ...(retryAfter && { 'retry-after': String(retryAfter) }),
      }
      return new Response(answer.body || null, { status: answer.statusCode, headers })
    },
  }
  return wire
}

/** A client with this transport. */
export function clientBy(wire: Wire, options: ClientOptions = {}) {
  return createClient({ baseUrl: 'http://localhost', fetch: wire.fetch, ...options })
}

/** A problem document, as the service or a proxy would send. */
export function refusal(status: number, code: string, retryAfter?: number): Response {
  const problem = {
    type: `urn:latchkey:problem:${code}`,
    title: code,
    status,
    code,
    detail: code,
    requestId: '1',
  }
  return new Response(JSON.stringify(problem), {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
    },
  })
}
