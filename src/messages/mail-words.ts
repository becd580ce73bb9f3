/** Which mail it is. */
export type MailKind = keyof MailCatalogue

/** What every text may mention, ready to print: the service's name and the address written to. */
export interface Mentions {
  service: string
  to: string
}

/** The words of one mail, as plain text. Its link or code, where it has one, stands after `before`. */
export interface MailWords {
  subject: string
  /** Paragraphs that lead to the link or, in a mail without one, to the code. */
  before: string[]
  /** Paragraphs after link or code. */
  after: string[]
  /** Which address this was sent to and why. */
  reason: string
  /** What to do if it was not the reader who caused this mail. */
  notYou: string
}

/** A mail with a link. */
export interface LinkWords extends MailWords {
  /** Label of the button that leads to the link in the HTML version. */
  button: string
}

/** A mail with a link and, where it is given one, a code below the link. */
export interface LinkAndCodeWords extends LinkWords {
  /** Paragraph before the code: where to enter it. Left out without a code. */
  beforeCode: string
  /** Paragraph after the code: how long it lives. Left out without a code. */
  afterCode: string
}

/** The mails of one language. Durations and moments come ready to print. */
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
  farewell: (about: Mentions) => MailWords
  account_deleted: (about: Mentions & { at: string; validFor: string }) => LinkWords
}

/** What the mails of one language say. */
export interface Mails extends MailCatalogue {
  greeting: string
  /** Stands before the bare link in the HTML version. */
  linkHint: string
  /** Stands for the name of a device that did not say what it is. */
  unknownDevice: string
}
