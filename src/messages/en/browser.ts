// Texts for the browser. The compiled file is served as it is, so it imports nothing. English defines the
// type.
export const browser = {
  show: 'Show',
  hide: 'Hide',
  busy: 'One moment …',
  slow: 'This is taking longer than usual …',

  required: 'Please fill in this field.',
  emailForm: 'Enter an email address, such as ada@example.org.',
  repeatDiffers: 'The two passwords differ.',
  codeForm: (digits: number) => `Enter the ${digits} digits of the code.`,
  typedEmailDiffers: 'This is not the email address of your account.',

  strength: {
    tooShort: (missing: number) =>
      missing === 1 ? 'Too short: one more character.' : `Too short: ${missing} more characters.`,
    weak: 'Weak: easy to guess.',
    fair: 'Fair. A few more characters make it strong.',
    strong: 'Strong.',
  },
  rejected: {
    short: (minimum: number) => `Use at least ${minimum} characters.`,
    long: 'Use at most 128 characters.',
    email: 'Your password must not be your email address.',
    service: 'Your password must not be the name of this service.',
    other: 'This password is common, so it is easy to guess. Please choose another.',
  },

  validFor: (duration: string) => `This link is valid for another ${duration}.`,
  wait: (duration: string) => `Too many attempts. Please wait for ${duration}, then try again.`,
  overloaded: (duration: string) => `The service is busy. Please try again in ${duration}.`,

  problems: {
    validation_failed: 'Something in this form is not right. Please check what you entered.',
    malformed_json: 'The request was damaged in transit. Please try again.',
    bad_request: 'The request was damaged in transit. Please try again.',
    token_invalid: 'This link is not valid. Perhaps it was not copied whole.',
    token_expired: 'This link has expired.',
    token_spent: 'This link has already been used or replaced.',
    code_invalid: 'This code is wrong. After five wrong attempts, you need a new one.',
    invalid_credentials: 'The email address or the password is wrong, or the address is not confirmed yet.',
    unauthenticated: 'You are no longer logged in.',
    refresh_token_invalid: 'You are no longer logged in.',
    invalid_password: 'This password is wrong.',
    email_not_confirmed: 'This email address is not confirmed yet.',
    account_disabled: 'This account is disabled. Please contact the operator of this service.',
    origin_not_allowed: 'This request came from another website.',
    not_found: 'This no longer exists.',
    method_not_allowed: 'This is not possible here.',
    request_timeout: 'The request took too long. Please try again.',
    email_taken: 'There is already an account with this email address.',
    payload_too_large: 'What you entered is too long.',
    unsupported_media_type: 'This is not possible here.',
    password_rejected: 'Please choose another password.',
    rate_limited: 'Too many attempts. Please wait a moment.',
    headers_too_large: 'Your browser sent too much. Delete the cookies of this site, then try again.',
    internal_error: 'Something went wrong on our side. Please try again in a moment.',
    overloaded: 'The service is busy. Please try again in a moment.',
    not_ready: 'The service is not ready yet. Please try again in a moment.',
  },
  wrongPassword: 'This password is wrong.',
  codeExpired: 'This code has expired. Please request a new one.',
  /** No response, or an unreadable one. */
  network: 'The service cannot be reached. Check your connection, then try again. Nothing is lost.',
  timeout: 'The service does not respond. Please try again. Nothing is lost.',
  damagedLink:
    'The link in our email was changed in transit, by your mail program or a filter, so it does not work.',
  insecure: 'This page was loaded without encryption (http), so your browser cannot keep you logged in here.',
  refused:
    'Your browser blocks cookies or storage for this site, so you cannot stay logged in here. Allow both, then reload the page.',

  /** Shown on the next page. */
  notices: {
    logged_out: 'You are logged out.',
    session_ended: 'You were logged out. Please log in again.',
    password_set: 'Your new password is set, and every device is logged out. Now log in with it.',
    account_deleted: 'Your account is deleted. Goodbye.',
    confirmed: 'Your email address is confirmed. Welcome!',
    email_changed: 'Your email address has changed. From now on, log in with the new one.',
  },

  thisDevice: 'This device',
  unknownDevice: 'Unknown device',
  /** A name from the API, such as `Firefox on Linux` or `Other client on iOS`. */
  device: (name: string) => name,
  lastUsed: (when: string) => `Last used ${when}`,
  from: (ip: string) => `from ${ip}`,
  logOutDevice: 'Log out',
  logOutNamed: (device: string, when: string) => `Log out: ${device}, last used ${when}`,
  loggedOutDevice: 'The device is logged out.',
  loggedOutOthers: 'All other devices are logged out.',
  notConfirmed: 'not yet',
  saved: 'Saved.',
  exported: 'Your data is in your browser’s downloads.',
  events: {
    registered: 'Registered',
    confirmed: 'Email address confirmed',
    logged_in: 'Logged in',
    log_in_refused: 'Login attempt with a wrong password',
    refresh_token_reused: 'An old session token was used again, so the session was ended',
    reset_requested: 'New password requested',
    password_reset: 'Password set by link or code',
    password_changed: 'Password changed',
    email_changed: 'Email address changed',
    session_ended: 'A device was logged out',
    secured: 'Account secured: “This was not me”',
    exported: 'Data downloaded',
    deleted: 'Account deleted',
    invited: 'Invited by an operator',
    disabled: 'Disabled by an operator',
    enabled: 'Enabled by an operator',
    reset_required: 'A new password was required by an operator',
    unlocked: 'Unlocked by an operator',
    claims_changed: 'Roles changed by an operator',
  },
}

export type BrowserWords = typeof browser
