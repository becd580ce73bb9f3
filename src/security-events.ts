// Security events of the log, named after OWASP's Logging Vocabulary Cheat Sheet; docs/logging.md lists them.

// `warn` marks events whose rate matters. Events that any client can cause at will are never `error`, which pages an
// operator.
export const SECURITY_EVENTS = {
  authn_login_success: ['info', 'login succeeded'],
  authn_login_fail: ['warn', 'login or password check failed'],
  authn_login_lock: ['warn', 'account secured by its owner'],
  authn_password_change: ['info', 'password changed'],
  authn_password_change_fail: ['warn', 'password change failed'],
  authn_token_revoked: ['info', 'session revoked'],
  authn_token_reuse: ['warn', 'refresh token replayed, session revoked'],
  authz_admin: ['info', 'change by an operator'],
  authz_fail: ['info', 'token or code refused, or resource not found'],
  excess_rate_limit_exceeded: ['warn', 'rate limit exceeded'],
  input_validation_fail: ['info', 'input refused'],
  malicious_cors: ['warn', 'cookie mode refused for another origin'],
  sensitive_read: ['info', 'account data exported'],
  session_renewed: ['info', 'session refreshed'],
  session_use_after_expire: ['warn', 'access token of a revoked or expired session used'],
  user_created: ['info', 'account created'],
  user_deleted: ['info', 'account deleted'],
  user_updated: ['info', 'account changed'],
} as const satisfies Record<string, readonly [level: 'info' | 'warn', message: string]>

export type SecurityEvent = keyof typeof SECURITY_EVENTS
