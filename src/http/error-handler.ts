/** Responds to every error with a problem document: errors of flows, validation, Fastify and the router. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import fp from 'fastify-plugin'
import findMyWay from 'find-my-way'
import { type Outage, outageOf } from '../database/outage.ts'
import { isProblem, type ProblemCode, type ProblemError, problem, problemDocument } from '../errors.ts'
import { logRefusal } from './security-log.ts'

/** Fastify's own errors that a client can cause. https://fastify.dev/docs/latest/Reference/Errors/ */
const FROM_FASTIFY: Record<string, ProblemCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'bad_request',
  FST_ERR_BAD_URL: 'not_found',
  FST_ERR_MAX_PARAM_LENGTH: 'not_found',
  FST_ERR_NOT_FOUND: 'not_found',
}

/** Detail and `Retry-After` in seconds for each kind of database outage. */
const OUTAGES: Record<Outage, { detail: string; retryAfter: number }> = {
  away: { detail: 'The database does not respond.', retryAfter: 2 },
  // These need an operator.
  refused: { detail: 'The database refuses the service at the moment.', retryAfter: 10 },
  unwritable: { detail: 'The database cannot be written to at the moment.', retryAfter: 10 },
}

async function errorHandler(app: FastifyInstance) {
  app.setErrorHandler((error: FastifyError, request, reply) => answer(toProblem(error), request, reply))

  // Methods by path, to distinguish 405 from 404. Fastify's router does not tell.
  const paths = findMyWay()
  const methods = new Set<HTTPMethods>()
  app.addHook('onRoute', ({ method, url }) => {
    // The preflight route of CORS matches every path.
    if (url === '*') return
    for (const one of [method].flat() as HTTPMethods[]) {
      methods.add(one)
      if (!paths.hasRoute(one as never, url)) paths.on(one as never, url, () => {})
    }
  })

  // Before the body is read, because its faults do not matter without a route.
  app.addHook('preParsing', (request, _reply, _payload, done) => {
    done(request.is404 ? nothingHere(request) : null)
  })
  app.setNotFoundHandler(request => {
    throw nothingHere(request)
  })

  function nothingHere(request: FastifyRequest): ProblemError {
    const path = pathOf(request)
    // The router treats `OPTIONS *` as the root.
    const allowed =
      path === '*' ? [] : [...methods].filter(method => paths.find(method as never, path) !== null)
    // The path has this method: the route itself found nothing, such as a file.
    if (allowed.length === 0 || allowed.includes(request.method as HTTPMethods)) return problem('not_found')
    return problem('method_not_allowed', { headers: { allow: allowed.sort().join(', ') } })
  }
}

/** Turns a thrown value into a problem. An unexpected one is an internal error. */
export function toProblem(error: FastifyError): ProblemError {
  if (isProblem(error)) return error
  const code = FROM_FASTIFY[error.code]
  if (code !== undefined) return problem(code, { cause: error })
  // Before outages, because a client that disconnects during its body is an ECONNRESET too.
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return problem('bad_request', { cause: error })
  }
  const outage = outageOf(error)
  if (outage) return problem('overloaded', { cause: error, ...OUTAGES[outage] })
  return problem('internal_error', { cause: error })
}

/** Logs why a request was refused or failed: outages once, bugs with a stack, and security events as such. */
export function logProblem(error: ProblemError, request: FastifyRequest): void {
  // A client that disconnects during its body is an ECONNRESET too.
  const outage = error.statusCode >= 500 ? outageOf(error.cause) : undefined
  if (outage) request.server.database.outage.failed(error.cause)
  // Load shedding and outages are expected; a stack for each request would slow down the others.
  const isFault = error.statusCode >= 500 && !/^(overloaded|not_ready)$/.test(error.code)
  if (isFault) request.log.error({ err: error.cause ?? error }, error.message)
  else request.log.debug({ code: error.code, reason: (error.cause as Error | undefined)?.message }, 'refused')
  logRefusal(error, request)
}

function answer(error: ProblemError, request: FastifyRequest, reply: FastifyReply) {
  logProblem(error, request)
  if (error.retryAfter !== undefined) reply.header('retry-after', error.retryAfter)
  if (error.statusCode === 401 || error.code === 'insufficient_scope') {
    reply.header('www-authenticate', challenge(error.code, request))
  }
  // RFC 9110 section 15.5.16, as with the codings of http/json-body.ts.
  if (error.code === 'unsupported_media_type' && !error.headers) reply.header('accept', 'application/json')
  return reply
    .code(error.statusCode)
    .headers(error.headers ?? {})
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(problemDocument(error, request.id))
}

/** RFC 9110 section 15.5.2 requires a challenge in every 401, RFC 6750 section 3.1 an error only for tokens. */
function challenge(code: ProblemCode, { headers }: FastifyRequest): string {
  if (code === 'insufficient_scope') return 'Bearer error="insufficient_scope"'
  const tokenRefused =
    /^(unauthenticated|api_key_invalid)$/.test(code) && /^bearer +[^ ]/i.test(headers.authorization ?? '')
  return tokenRefused ? 'Bearer error="invalid_token"' : 'Bearer'
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] as string
}

export default fp(errorHandler, { name: 'error-handler' })
