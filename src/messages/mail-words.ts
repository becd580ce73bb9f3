/** Types of the texts of emails. */
export type MailKind = keyof MailCatalogue

/** Values that every text may contain: the name of the service and the recipient. */
export interface Mentions {
  service: string
  to: string
}

/** The texts of one email. Its link or code, if any, follows `before`. */
export interface MailWords {
  subject: string
  /** Paragraphs before the link, or before the code in an email without a link. */
  before: string[]
  /** Paragraphs after the link or code. */
  after: string[]
  /** Who received this and why. */
  reason: string
  /** What to do if the reader did not cause this email. */
  notYou: string
}

export interface LinkWords extends MailWords {
  /** Label of the button. */
  button: string
}

/** An email with a link and an optional code below it. */
export interface LinkAndCodeWords extends LinkWords {
  /** Where to enter the code; omitted without a code. */
  beforeCode: string
  /** That one of the two is enough; omitted without a code. */
  afterCode: string
}

/** The emails of one language. Durations and dates are already formatted. */
export interface MailCatalogue {
  confirm_address: (about: Mentions & { validFor: string }) => LinkAndCodeWords
  already_registered: (about: Mentions) => LinkWords
  reset_password: (about: Mentions & { validFor: string }) => LinkAndCodeWords
  password_change_code: (about: Mentions & { validFor: string }) => MailWords
  password_changed: (about: Mentions & { at: string }) => LinkWords
  change_email: (about: Mentions & { validFor: string }) => LinkAndCodeWords
  email_change_requested: (about: Mentions & { newEmail: string; at: string }) => LinkWords
  email_changed: (about: Mentions & { newEmail: string; at: string }) => LinkWords
  new_device: (about: Mentions & { device: string; ip: string | null; at: string }) => LinkWords
  account_secured: (about: Mentions & { validFor: string }) => LinkWords
  invitation: (about: Mentions & { validFor: string }) => LinkWords
  reset_required: (about: Mentions & { validFor: string }) => LinkWords
  farewell: (about: Mentions) => MailWords
  account_deleted: (about: Mentions & { at: string; validFor: string }) => LinkWords
}

export interface Mails extends MailCatalogue {
  greeting: string
  /** In front of the bare link in the HTML version. */
  linkHint: string
  /** Name of an unknown device. */
  unknownDevice: string
}
