// One run from the actions' view: the service and its responses so far.
import type { Outcome } from './moment.ts'
import { type Moment, sessionOf } from './moment.ts'
import { accountAt, type Purpose, type Request, type State } from './state.ts'

/** An answer of the service. */
export interface Answer {
  /** Status, and the code of a problem: `400 token_spent`. */
  said: string
  body: Record<string, unknown>
}

/** Something that came back, under the name that the model knows it by. */
export interface Held {
  name: string
  value: string
}

export interface Run {
  emails: readonly string[]
  /** Every state that what was seen so far allows. */
  states: State[]
  moment: Moment
  held: {
    access: (Held & { sessionId: string })[]
    refresh: Held[]
    requests: Held[]
    /** With the access token that each goes with. */
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

/** Something to do, with all that it is done with. */
export interface Action {
  kind: string
  /** For the transcript of a failure. */
  words: string
  send(): Promise<Answer>
  /** What the model says that it may lead to. */
  outcomes(state: State, moment: Moment): Outcome[]
  /** The access token that a token in the answer goes with. */
  access?: string
}

/** Chooses what to do with; undefined where there is nothing to do it with. */
export type Choose = (run: Run, op: string, picks: Picks) => Action | undefined

/** What chance decided; numbers count from the newest, or through a short list. */
export interface Picks {
  which: number
  other: number
  email: number
  /** `right`: the one that the model knows to be. */
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

/** Access tokens, the living ones last. */
export function bearers(run: Run) {
  const [state] = run.states
  const alive = (name: string) => state !== undefined && sessionOf(state, name, run.moment.now) !== undefined
  const { access } = run.held
  return [...access.filter(({ name }) => !alive(name)), ...access.filter(({ name }) => alive(name))]
}

/** A password for an address: the right one, or one of those that are used at all. */
export function passwordFor(run: Run, email: string, pick: Picks['password']): string {
  if (pick !== 'right') return at(PASSWORDS, pick)
  const [state] = run.states
  if (state === undefined) return at(PASSWORDS, 0)
  return accountAt(state, email)?.password ?? at(PASSWORDS, 0)
}

/** The password of a bearer, likewise. */
export function passwordOf(run: Run, access: string, pick: Picks['password']): string {
  if (pick !== 'right') return at(PASSWORDS, pick)
  const [state] = run.states
  const session = state?.sessions.find(({ id }) => id === state.access[access]?.session)
  const account = state?.accounts.find(({ id }) => id === session?.account)
  return account?.password ?? at(PASSWORDS, 0)
}

/** A new password; one in a few is refused by the policy. */
export const newPasswordOf = (pick: number) => [...PASSWORDS, WEAK][pick % (PASSWORDS.length + 1)] as string

/** Links of one purpose. */
export const linksFor = (run: Run, purpose: Purpose) =>
  run.held.links.filter(link => link.purpose === purpose)

/** Request tokens of one purpose. */
export const requestsFor = (run: Run, purpose: Request['purpose']) =>
  run.held.requests.filter(({ name }) => run.states[0]?.requests[name]?.purpose === purpose)
