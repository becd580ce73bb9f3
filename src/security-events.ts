/**
 * The security events of the log, in the words of OWASP's Logging Vocabulary. docs/logging.md lists them; a test holds
 * the two together. https://cheatsheetseries.owasp.org/cheatsheets/Logging_Vocabulary_Cheat_Sheet.html
 */

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
