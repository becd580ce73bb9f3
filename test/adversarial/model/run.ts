// One run from the view of its actions: the service and its responses so far.
import type { Outcome } from './moment.ts'
import { type Moment, sessionOf } from './moment.ts'
import { accountAt, type Purpose, type Request, type State } from './state.ts'

/** A response of the service. */
export interface Answer {
  /** Status, and the code of an error: `400 token_spent`. */
  said: string
  body: Record<string, unknown>
}

/** A token or code from a response or email, with its name in the model. */
export interface Held {
  name: string
  value: string
}

export interface Run {
  emails: readonly string[]
  /** All states that the observations so far allow. */
  states: State[]
  moment: Moment
  held: {
    access: (Held & { sessionId: string })[]
    refresh: Held[]
    requests: Held[]
    /** With their access tokens. */
    changes: (Held & { access: string })[]
    links: (Held & { purpose: Purpose })[]
    codes: Held[]
  }
  call(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, options?: CallOptions): Promise<Answer>
  /** Disables the account of an address, as an operator would. */
  disable(email: string): Promise<unknown>
}

export interface CallOptions {
  payload?: object
  bearer?: string
  device?: string
}

/** An action with its inputs. */
export interface Action {
  kind: string
  /** For the transcript of a failure. */
  words: string
  send(): Promise<Answer>
  /** The outcomes that the model predicts. */
  outcomes(state: State, moment: Moment): Outcome[]
  /** The access token that belongs to a token in the response. */
  access?: string
}

/** Chooses inputs; undefined if there are none. */
export type Choose = (run: Run, op: string, picks: Picks) => Action | undefined

/** Random choices; numbers count from the newest, or index a short list. */
export interface Picks {
  which: number
  other: number
  email: number
  /** `right`: the code that the model knows to be right. */
  password: 'right' | number
  newPassword: number
  right: boolean
  device: number
}

/** Long enough, unlike the last. */
export const PASSWORDS = ['words of the first day', 'words of the second day', 'words of the third day']
export const WEAK = 'password'
export const DEVICES = ['curl/8.9.1', 'HTTPie/3.2.2']
export const DEVICE_NAMES = ['curl', 'HTTPie']
export const LOCALES = ['en-GB', 'en-IE', null]

export function newest<T>(list: readonly T[], back: number): T | undefined {
  return list[list.length - 1 - (back % list.length)]
}

export const at = <T>(list: readonly T[], index: number) => list[index % list.length] as T

/** Access tokens, those of active sessions last. */
export function bearers(run: Run) {
  const [state] = run.states
  const alive = (name: string) => state !== undefined && sessionOf(state, name, run.moment.now) !== undefined
  const { access } = run.held
  return [...access.filter(({ name }) => !alive(name)), ...access.filter(({ name }) => alive(name))]
}

/** A password for an address: the right one, or any that is used. */
export function passwordFor(run: Run, email: string, pick: Picks['password']): string {
  if (pick !== 'right') return at(PASSWORDS, pick)
  const [state] = run.states
  if (state === undefined) return at(PASSWORDS, 0)
  return accountAt(state, email)?.password ?? at(PASSWORDS, 0)
}

/** The same for the account of a session. */
export function passwordOf(run: Run, access: string, pick: Picks['password']): string {
  if (pick !== 'right') return at(PASSWORDS, pick)
  const [state] = run.states
  const session = state?.sessions.find(({ id }) => id === state.access[access]?.session)
  const account = state?.accounts.find(({ id }) => id === session?.account)
  return account?.password ?? at(PASSWORDS, 0)
}

/** A new password; the policy rejects some of them. */
export const newPasswordOf = (pick: number) => [...PASSWORDS, WEAK][pick % (PASSWORDS.length + 1)] as string

/** Links of one purpose. */
export const linksFor = (run: Run, purpose: Purpose) =>
  run.held.links.filter(link => link.purpose === purpose)

/** Request tokens of one purpose. */
export const requestsFor = (run: Run, purpose: Request['purpose']) =>
  run.held.requests.filter(({ name }) => run.states[0]?.requests[name]?.purpose === purpose)
