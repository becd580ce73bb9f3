/**
 * The security events of the log, in the words of OWASP's Logging Vocabulary. docs/logging.md lists them; a test holds
 * the two together. https://cheatsheetseries.owasp.org/cheatsheets/Logging_Vocabulary_Cheat_Sheet.html
 */
import type { ProblemCode } from './errors.ts'

/**
 * Level and message of each event. `warn` is for what is worth a look when it happens often; what strangers can cause
 * at will is never an `error`, which would page somebody.
 */
export const SECURITY_EVENTS = {
  authn_login_success: ['info', 'logged in'],
  authn_login_fail: ['warn', 'a login or a password check failed'],
  authn_login_lock: ['warn', 'the owner secured the account'],
  authn_password_change: ['info', 'the password was changed'],
  authn_password_change_fail: ['warn', 'the password was not changed'],
  authn_token_revoked: ['info', 'a session was ended'],
  authn_token_reuse: ['warn', 'a spent refresh token was shown: its session was ended'],
  authz_fail: ['info', 'a token or code was refused, or something that is not there was asked for'],
  excess_rate_limit_exceeded: ['warn', 'a rate limit was exceeded'],
  input_validation_fail: ['info', 'the input was refused'],
  malicious_cors: ['warn', 'cookie mode was refused to a page of another origin'],
  sensitive_read: ['info', 'the data of the account was exported'],
  session_renewed: ['info', 'a session was refreshed'],
  session_use_after_expire: ['warn', 'an access token was shown whose session has ended'],
  user_created: ['info', 'an account was created'],
  user_deleted: ['info', 'an account was deleted'],
  user_updated: ['info', 'an account was changed'],
} as const satisfies Record<string, readonly [level: 'info' | 'warn', message: string]>

/** The name of a security event. */
export type SecurityEvent = keyof typeof SECURITY_EVENTS

/** The event of a refusal by its code; null where it says nothing of security. */
export const REFUSALS: Record<ProblemCode, SecurityEvent | null> = {
  validation_failed: 'input_validation_fail',
  malformed_json: 'input_validation_fail',
  bad_request: 'input_validation_fail',
  token_invalid: 'authz_fail',
  token_expired: 'authz_fail',
  token_spent: 'authz_fail',
  code_invalid: 'authz_fail',
  invalid_credentials: 'authn_login_fail',
  unauthenticated: 'authz_fail',
  refresh_token_invalid: 'authz_fail',
  invalid_password: 'authn_login_fail',
  email_not_confirmed: 'authn_login_fail',
  account_disabled: 'authn_login_fail',
  origin_not_allowed: 'malicious_cors',
  not_found: null,
  method_not_allowed: null,
  request_timeout: null,
  email_taken: null,
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
export const PROOFS: readonly ProblemCode[] = [
  'token_invalid',
  'token_expired',
  'token_spent',
  'code_invalid',
  'invalid_password',
]
