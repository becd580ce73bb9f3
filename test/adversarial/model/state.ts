// The model's knowledge of a run: accounts, pending tokens and what each of them would do. Plain data, so
// that several states can be possible at once.

export interface Account {
  id: string
  email: string
  /** Undefined where none is usable. */
  password: string | undefined
  /** Stands for the stored hash: another one each time a password is set, even the same password. */
  hash: string
  confirmed: boolean
  /** Stands for the date on which the account came to another address. */
  moved: string | null
  disabled: boolean
  /** The last "this was not me", and the notice that said so; milliseconds. */
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

/** An address whose notices about an account are good, in milliseconds; `at`: the oldest of them. */
export interface Noticed {
  account: string
  to: string
  at: number
  expiresAt: number
}

/** An address that was registered and is not confirmed: one row an address. */
export interface Pending {
  id: string
  email: string
  /** Stands in for a hash: there is no password yet. */
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
  /** How often its refresh token was rotated. */
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

/** A mail that is to become one. */
export interface Filed {
  kind: FiledKind
  to: string
  at: number
  account?: string
  challenge?: string
}

export type Purpose = 'confirm' | 'reset' | 'move' | 'secure'

/** What a mailed token means. */
export interface Link {
  purpose: Purpose
  subject: string
  /** What it is bound to, as it was. */
  print: string
  /** Seconds. */
  expiresAt: number
  /** The address that it moves to, or that the notice went to. */
  email?: string
  /** When the notice was filed, in milliseconds. */
  notice?: number
}

/** What a mailed code means. */
export interface Code {
  challenge: string
  subject: string
  print: string
}

/** What a request token means. */
export interface Request {
  purpose: 'confirm' | 'reset' | 'move'
  email: string
  /** Seconds. */
  expiresAt: number
  /** Of a move. */
  account?: string
}

export interface Sent {
  kind: string
  to: string
  link?: Link
  code?: Code
}

/** All of it. Tokens are named by the operation whose answer held them, links and codes by their mail. */
export interface State {
  accounts: Account[]
  deleted: Deleted[]
  noticed: Noticed[]
  pending: Pending[]
  sessions: Session[]
  queue: Filed[]
  /** Sent in the present step. */
  sent: Sent[]
  /** Tries at codes, by what is guarded. */
  tries: Record<string, number>
  access: Record<string, { session: string; expiresAt: number }>
  refresh: Record<string, { session: string; turn: number }>
  /** Of requests whose mail has a code. */
  requests: Record<string, Request>
  /** Of requests for a change of the password. */
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

/** The state after a change; the one before stays as it is. */
export function after(state: State, change: (copy: State) => unknown): State {
  const copy = copyOf(state)
  change(copy)
  return copy
}

/** Of plain data; structuredClone takes ten times as long. */
function copyOf<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyOf) as T
  if (value === null || typeof value !== 'object') return value
  const copy: Record<string, unknown> = {}
  for (const key in value) copy[key] = copyOf(value[key])
  return copy as T
}

export const seconds = (milliseconds: number) => Math.floor(milliseconds / 1000)

/** What tokens and codes of an account or a registration are bound to. */
export const printOf = ({ email, hash, moved }: Pick<Account, 'email' | 'hash'> & Partial<Account>) =>
  JSON.stringify([email, hash, moved ?? null])

export const accountAt = (state: State, email: string) =>
  state.accounts.find(account => account.email === email)
export const accountOf = (state: State, id: string | undefined) =>
  state.accounts.find(account => account.id === id)

/** The registration of an address, unless it expired. */
export const pendingAt = (state: State, email: string, now: number) =>
  state.pending.find(row => row.email === email && row.expiresAt > now)

/** The account that can be brought back. */
export const deletedOf = (state: State, id: string | undefined, now: number) =>
  state.deleted.find(({ account, expiresAt }) => account.id === id && expiresAt > now)
