/** Logs one line for each security event. Flows report successes; the event of a refusal follows from its code. */
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { ProblemCode, ProblemError } from '../errors.ts'
import { SECURITY_EVENTS, type SecurityEvent } from '../security-events.ts'
import { withoutAddresses } from '../shared/log-scrub.ts'

/** Ids of what a request concerns. */
interface Subject {
  account?: string
  session?: string
  /** The operator who did it: `key:<id>` or `cli`. */
  actor?: string
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set as soon as it is known, so that the log line of a refusal names it. */
    subject: Subject | null
    /** The code of the problem document in the response. */
    refusedAs: ProblemCode | null
    /**
     * Logs a success.
     *
     * @param details further parameters of the event (OWASP logging vocabulary)
     */
    securityEvent(event: SecurityEvent, subject: Subject, ...details: string[]): void
  }
  interface FastifyContextConfig {
    /** The event of a refused token, code or password, if it differs from that of the problem code. */
    refusedProof?: SecurityEvent
  }
}

/** The event of each problem code; null if it is not relevant to security. */
const REFUSALS: Record<ProblemCode, SecurityEvent | null> = {
  validation_failed: 'input_validation_fail',
  malformed_json: 'input_validation_fail',
  bad_request: 'input_validation_fail',
  token_invalid: 'authz_fail',
  token_expired: 'authz_fail',
  token_spent: 'authz_fail',
  code_invalid: 'authz_fail',
  invalid_credentials: 'authn_login_fail',
  unauthenticated: 'authz_fail',
  api_key_invalid: 'authn_login_fail',
  insufficient_scope: 'authz_fail',
  refresh_token_invalid: 'authz_fail',
  invalid_password: 'authn_login_fail',
  email_not_confirmed: 'authn_login_fail',
  account_disabled: 'authn_login_fail',
  origin_not_allowed: 'malicious_cors',
  not_found: null,
  method_not_allowed: null,
  request_timeout: null,
  email_taken: null,
  mail_not_changeable: null,
  payload_too_large: 'input_validation_fail',
  unsupported_media_type: 'input_validation_fail',
  password_rejected: 'input_validation_fail',
  rate_limited: 'excess_rate_limit_exceeded',
  headers_too_large: 'input_validation_fail',
  internal_error: null,
  overloaded: null,
  not_ready: null,
}

/** Refused proofs, for which a route may name another event (`refusedProof`). */
const PROOFS: readonly ProblemCode[] = [
  'token_invalid',
  'token_expired',
  'token_spent',
  'code_invalid',
  'invalid_password',
]

const MAX_USER_AGENT = 256
/** A longer word may be a token; names of programs are shorter. */
const LONG_WORD = /[\w.~+/=-]{33,}/g

async function securityLog(app: FastifyInstance) {
  app.decorateRequest('subject', null)
  app.decorateRequest('refusedAs', null)
  app.decorateRequest('securityEvent', function (event, subject, ...details) {
    write(this, event, subject, details, undefined)
  })
}

/** Logs a refusal, if it is relevant to security. */
export function logRefusal(error: ProblemError, request: FastifyRequest): void {
  request.refusedAs = error.code
  const ofRoute = PROOFS.includes(error.code) ? request.routeOptions.config?.refusedProof : undefined
  const event = error.event ?? ofRoute ?? REFUSALS[error.code]
  if (event === null) return
  const details = event === 'authz_fail' ? [`${request.method} ${request.routeOptions.url ?? 'nowhere'}`] : []
  write(request, event, request.subject ?? {}, details, error.code)
}

/** Logs the refusal of bytes that Node's parser could not read as a request. */
export function logUnparsed(
  log: FastifyBaseLogger,
  facts: { code: ProblemCode; requestId: string; ip: string | undefined },
): void {
  const event = REFUSALS[facts.code]
  if (event === null) return
  const [level, message] = SECURITY_EVENTS[event]
  log[level]({ event, ...facts }, message)
}

function write(
  request: FastifyRequest,
  event: SecurityEvent,
  { account, session, actor }: Subject,
  details: string[],
  code: string | undefined,
) {
  const [level, message] = SECURITY_EVENTS[event]
  const who = actor ?? account ?? ''
  // Events of accounts name the actor and the account. On the public API both are the owner.
  const onAccount = event.startsWith('user_') ? [account ?? ''] : []
  const parameters = [who, ...onAccount, ...details].join(',')
  request.log[level](
    {
      event: parameters === '' ? event : `${event}:${parameters}`,
      account,
      session,
      actor,
      code,
      method: request.method,
      // The route's pattern, because a path may contain pasted secrets.
      path: request.routeOptions.url,
      ip: request.ip,
      userAgent: loggableUserAgent(request.headers['user-agent']),
    },
    message,
  )
}

/** A user agent without email addresses and tokens, cut to a length for one line. */
function loggableUserAgent(field: string | undefined): string | undefined {
  return field && withoutAddresses(field.slice(0, MAX_USER_AGENT)).replace(LONG_WORD, '[long]')
}

export default fp(securityLog, { name: 'security-log' })
