/**
 * One log line for each security event: what happened to whose account, and which request did it.
 *
 * Flows report what succeeded; what was refused follows from its code.
 */
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { ProblemCode, ProblemError } from '../errors.ts'
import { SECURITY_EVENTS, type SecurityEvent } from '../security-events.ts'
import { withoutAddresses } from '../shared/log-scrub.ts'

/** Whom a request concerns, by id. */
interface Subject {
  account?: string
  session?: string
  /** The operator who did it: `key:<id>` or `cli`. */
  actor?: string
}

declare module 'fastify' {
  interface FastifyRequest {
    /** For the log; set as soon as it is known, so that a refusal names it too. */
    subject: Subject | null
    /** The code of the problem that was answered. */
    refusedAs: ProblemCode | null
    /**
     * Logs what succeeded.
     *
     * @param details what the vocabulary has behind the account's id
     */
    securityEvent(event: SecurityEvent, subject: Subject, ...details: string[]): void
  }
  interface FastifyContextConfig {
    /** The event of a refused token, code or password, where it is another than that of the code. */
    refusedProof?: SecurityEvent
  }
}

/** The event of a refusal by its code; null where it says nothing of security. */
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

/** Refusals of what proves a right to do something; a route may name another event for them. */
const PROOFS: readonly ProblemCode[] = [
  'token_invalid',
  'token_expired',
  'token_spent',
  'code_invalid',
  'invalid_password',
]

const MAX_USER_AGENT = 256
/** Longer words are no name of a program; somebody will put a token there. */
const LONG_WORD = /[\w.~+/=-]{33,}/g

async function securityLog(app: FastifyInstance) {
  app.decorateRequest('subject', null)
  app.decorateRequest('refusedAs', null)
  app.decorateRequest('securityEvent', function (event, subject, ...details) {
    write(this, event, subject, details, undefined)
  })
}

/** Logs a refusal, if it says something of security. */
export function logRefusal(error: ProblemError, request: FastifyRequest): void {
  request.refusedAs = error.code
  const ofRoute = PROOFS.includes(error.code) ? request.routeOptions.config?.refusedProof : undefined
  const event = error.event ?? ofRoute ?? REFUSALS[error.code]
  if (event === null) return
  const details = event === 'authz_fail' ? [`${request.method} ${request.routeOptions.url ?? 'nowhere'}`] : []
  write(request, event, request.subject ?? {}, details, error.code)
}

/** Logs the refusal of what never became a request, since Node's parser could not read it. */
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
  // The vocabulary names who changes an account, and the account: both are the owner on the public API.
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
      // As the route has it: a path may hold what somebody pasted there.
      path: request.routeOptions.url,
      ip: request.ip,
      userAgent: loggableUserAgent(request.headers['user-agent']),
    },
    message,
  )
}

/** A user agent without what is none: addresses, tokens, and more than a line of it. */
function loggableUserAgent(field: string | undefined): string | undefined {
  return field && withoutAddresses(field.slice(0, MAX_USER_AGENT)).replace(LONG_WORD, '[long]')
}

export default fp(securityLog, { name: 'security-log' })
