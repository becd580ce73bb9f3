// The state of the model: accounts, pending tokens, and the effect of each. Plain data, so that several states can be
// possible at once.

export interface Account {
  id: string
  email: string
  /** Undefined if no password is usable. */
  password: string | undefined
  /** Stands for the stored hash: a new value each time a password is set, even the same one. */
  hash: string
  confirmed: boolean
  /** Stands for the date of the last change of email. */
  moved: string | null
  disabled: boolean
  /** When "this was not me" was last used, and when its notice was sent; milliseconds. */
  secured: { at: number; notice: number } | null
  locale: string | null
  loggedInBefore: boolean
  devices: string[]
  events: string[]
}

/** A deleted account, while a notice can undo the deletion. */
export interface Deleted {
  account: Account
  /** Milliseconds. */
  expiresAt: number
}

/** An address with valid notices about an account; `at`: the oldest, in milliseconds. */
export interface Noticed {
  account: string
  to: string
  at: number
  expiresAt: number
}

/** A pending registration: one row per address. */
export interface Pending {
  id: string
  email: string
  /** Stands in for a hash, because there is no password yet. */
  hash: 'none yet'
  locale: string | null
  expiresAt: number
}

export interface Session {
  id: string
  account: string
  createdAt: number
  refreshedAt: number
  expiresAt: number
  /** Number of rotations of its refresh token. */
  turn: number
}

export type FiledKind =
  | 'registration'
  | 'confirmation_resend'
  | 'reset_request'
  | 'password_changed'
  | 'password_change_code'
  | 'email_change'
  | 'email_change_requested'
  | 'email_changed'
  | 'new_device'
  | 'account_secured'
  | 'farewell'

/** A queued email. */
export interface Filed {
  kind: FiledKind
  to: string
  at: number
  account?: string
  challenge?: string
}

export type Purpose = 'confirm' | 'reset' | 'move' | 'secure'

/** Meaning of an emailed token. */
export interface Link {
  purpose: Purpose
  subject: string
  /** The values that it is bound to. */
  print: string
  /** Seconds. */
  expiresAt: number
  /** The new email, or the recipient of the notice. */
  email?: string
  /** When the notice was queued, in milliseconds. */
  notice?: number
}

/** Meaning of an emailed code. */
export interface Code {
  challenge: string
  subject: string
  print: string
}

/** Meaning of a request token. */
export interface Request {
  purpose: 'confirm' | 'reset' | 'move'
  email: string
  /** Seconds. */
  expiresAt: number
  /** For a change of email. */
  account?: string
}

export interface Sent {
  kind: string
  to: string
  link?: Link
  code?: Code
}

/**
 * The whole state. Tokens are named by the operation whose response contained them, links and codes by their email.
 */
export interface State {
  accounts: Account[]
  deleted: Deleted[]
  noticed: Noticed[]
  pending: Pending[]
  sessions: Session[]
  queue: Filed[]
  /** Sent in the current step. */
  sent: Sent[]
  /** Attempts at codes, by counter. */
  tries: Record<string, number>
  access: Record<string, { session: string; expiresAt: number }>
  refresh: Record<string, { session: string; turn: number }>
  /** Requests whose email has a code. */
  requests: Record<string, Request>
  /** Requests to change the password. */
  changes: Record<string, { account: string; session: string; print: string; expiresAt: number }>
  links: Record<string, Link>
  codes: Record<string, Code>
}

export const emptyState = (): State => ({
  accounts: [],
  deleted: [],
  noticed: [],
  pending: [],
  sessions: [],
  queue: [],
  sent: [],
  tries: {},
  access: {},
  refresh: {},
  requests: {},
  changes: {},
  links: {},
  codes: {},
})

/** Returns the state after a change; the previous state is not modified. */
export function after(state: State, change: (copy: State) => unknown): State {
  const copy = copyOf(state)
  change(copy)
  return copy
}

/** Plain data; structuredClone takes ten times as long. */
function copyOf<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyOf) as T
  if (value === null || typeof value !== 'object') return value
  const copy: Record<string, unknown> = {}
  for (const key in value) copy[key] = copyOf(value[key])
  return copy as T
}

export const seconds = (milliseconds: number) => Math.floor(milliseconds / 1000)

/** The values that tokens and codes of an account or a registration are bound to. */
export const printOf = ({ email, hash, moved }: Pick<Account, 'email' | 'hash'> & Partial<Account>) =>
  JSON.stringify([email, hash, moved ?? null])

export const accountAt = (state: State, email: string) =>
  state.accounts.find(account => account.email === email)
export const accountOf = (state: State, id: string | undefined) =>
  state.accounts.find(account => account.id === id)

/** The registration of an address, unless it has expired. */
export const pendingAt = (state: State, email: string, now: number) =>
  state.pending.find(row => row.email === email && row.expiresAt > now)

/** The deleted account that can be restored. */
export const deletedOf = (state: State, id: string | undefined, now: number) =>
  state.deleted.find(({ account, expiresAt }) => account.id === id && expiresAt > now)
