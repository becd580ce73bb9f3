// Texts for the browser. The compiled file is served as it is, so it imports nothing. English defines the
// type.
export const browser = {
  show: 'Show',
  hide: 'Hide',
  busy: 'One moment …',
  slow: 'This takes longer than usual. Please wait …',

  required: 'Please fill this in.',
  emailForm: 'An e-mail address has an @ and a domain, such as ada@example.org.',
  repeatDiffers: 'This is not the same password.',
  codeForm: (digits: number) => `The code has ${digits} digits.`,
  typedEmailDiffers: 'This is not the address of your account.',

  strength: {
    tooShort: (missing: number) =>
      missing === 1 ? 'Too short: one more character.' : `Too short: ${missing} more characters.`,
    weak: 'Weak: somebody who tries for long would find it.',
    fair: 'Fair. A few more characters make it strong.',
    strong: 'Strong.',
  },
  rejected: {
    short: (minimum: number) => `The password must have at least ${minimum} characters.`,
    long: 'The password must have at most 128 characters.',
    email: 'The password must not be your e-mail address.',
    service: 'The password must not be the name of this service.',
    other: 'This password is one of those that are tried first. Please choose another.',
  },

  validFor: (duration: string) => `Your link is valid for another ${duration}.`,
  wait: (duration: string) => `Too many tries. Please wait for ${duration}, then try again.`,
  overloaded: (duration: string) => `The service is busy. Please try again in ${duration}.`,

  problems: {
    validation_failed: 'Something in this form is not as it should be.',
    malformed_json: 'The request did not arrive whole. Please try again.',
    bad_request: 'The request did not arrive whole. Please try again.',
    token_invalid: 'This link is not valid. Was it copied whole?',
    token_expired: 'This link has expired.',
    token_spent: 'This link has been used, or what it was for has changed.',
    code_invalid: 'This code is not right. After five wrong ones you need a new code.',
    invalid_credentials: 'The address or the password is wrong, or the address is not confirmed yet.',
    unauthenticated: 'You are not logged in any more.',
    refresh_token_invalid: 'You are not logged in any more.',
    invalid_password: 'This is not the right password.',
    email_not_confirmed: 'This address is not confirmed yet.',
    account_disabled: 'This account is disabled. Please write to those who run the service.',
    origin_not_allowed: 'This request came from another website.',
    not_found: 'That is not there any more.',
    method_not_allowed: 'That does not work here.',
    request_timeout: 'The request took too long. Please try again.',
    email_taken: 'There is an account for this address already.',
    payload_too_large: 'That was too long.',
    unsupported_media_type: 'That does not work here.',
    password_rejected: 'Please choose another password.',
    rate_limited: 'Too many tries. Please wait a little.',
    headers_too_large: 'That was too long.',
    internal_error: 'Something went wrong here. Please try again in a moment.',
    overloaded: 'The service is busy. Please try again in a moment.',
    not_ready: 'The service is not ready yet. Please try again in a moment.',
  },
  wrongPassword: 'This is not the right password.',
  codeExpired: 'The code has expired. Please ask for a new one.',
  /** No response, or an unreadable one. */
  network: 'The service cannot be reached. Is the network there? Nothing is lost: try again.',
  timeout: 'The service does not answer. Nothing is lost: try again.',
  damagedLink:
    'The link from the mail has been changed on its way, by your mail program or by a filter in between, so it does not work.',
  insecure: 'This page was loaded without encryption (http), so browsers cannot keep you logged in here.',
  refused:
    'Your browser keeps no cookies or no data for this site, so you cannot stay logged in here. Allow both, then load the page again.',

  /** Shown on the next page. */
  notices: {
    logged_out: 'You are logged out.',
    session_ended: 'You were logged out. Please log in again.',
    password_set: 'Your new password is set, and every device is logged out. Log in with it now.',
    account_deleted: 'Your account is deleted. Goodbye.',
    confirmed: 'Your address is confirmed. Welcome!',
    email_changed: 'Your address is changed. From now on you log in with the new one.',
  },

  thisDevice: 'This device',
  unknownDevice: 'Unknown device',
  lastUsed: (when: string) => `Last used ${when}`,
  from: (ip: string) => `from ${ip}`,
  logOutDevice: 'Log out',
  logOutNamed: (device: string, when: string) => `Log out: ${device}, last used ${when}`,
  loggedOutDevice: 'The device is logged out.',
  loggedOutOthers: 'All other devices are logged out.',
  notConfirmed: 'not yet',
  saved: 'Saved.',
  exported: 'Your data is in the downloads of your browser.',
  events: {
    registered: 'Registered',
    confirmed: 'Address confirmed',
    logged_in: 'Logged in',
    log_in_refused: 'A log in with a wrong password',
    refresh_token_reused: 'A spent session was used again and has been ended',
    reset_requested: 'A new password was asked for',
    password_reset: 'Password set by link or code',
    password_changed: 'Password changed',
    email_changed: 'Address changed',
    session_ended: 'A device was logged out',
    secured: 'Account secured: "this was not me"',
    exported: 'Data downloaded',
    deleted: 'Account deleted',
  },
}

export type BrowserWords = typeof browser
