// Rules that all actions share: time, authentication and possible outcomes.
import { after, type Session, type State, seconds } from './state.ts'

/** The time of an action, and the settings. */
export interface Moment {
  /** Milliseconds. */
  now: number
  /** REFRESH_GRACE, in seconds. */
  grace: number
  /** Whether addresses must be confirmed (EMAIL_CONFIRMATION). */
  required: boolean
  /** For parallel actions: the state before all of them, and which of the others succeeded. */
  race?: { before: State; winners: Set<string> } | undefined
}

/** A possible outcome of an action. */
export interface Outcome {
  /** Status, and the code of an error: `400 token_spent`. */
  answer: string
  state: State
}

export const IDLE = 1_209_600_000
export const ABSOLUTE = 2_592_000_000
const ACCESS = 900

/** An outcome that changes nothing. */
export const refused = (answer: string, state: State): Outcome[] => [{ answer, state }]

/** An outcome with its change. */
export const done = (answer: string, state: State, change: (copy: State) => unknown): Outcome[] => [
  { answer, state: after(state, change) },
]

export function isExpired({ expiresAt }: { expiresAt: number }, now: number): boolean {
  return expiresAt <= seconds(now)
}

/** The active session of an access token. */
export function sessionOf(state: State, access: string, now: number): Session | undefined {
  const token = state.access[access]
  if (token === undefined || isExpired(token, now)) return undefined
  return activeSession(state, token.session, now)
}

/** The same for an access token that may have expired; none is older than a session can be. */
export function sessionOfAny(state: State, access: string, now: number): Session | undefined {
  const token = state.access[access]
  return token && activeSession(state, token.session, now)
}

export function activeSession(state: State, id: string, now: number): Session | undefined {
  const session = state.sessions.find(row => row.id === id && row.expiresAt > now)
  const account = session && state.accounts.find(row => row.id === session.account)
  return account && !account.disabled ? session : undefined
}

/**
 * Outcomes of an authenticated action. An action may have been authenticated just before a parallel one revoked its
 * session.
 */
export function asBearer(
  state: State,
  access: string,
  moment: Moment,
  act: (session: Session) => Outcome[],
  find = sessionOf,
): Outcome[] {
  const session = find(state, access, moment.now)
  if (session) return act(session)
  const earlier = moment.race && find(moment.race.before, access, moment.now)
  return [...refused('401 unauthenticated', state), ...(earlier ? act(earlier) : [])]
}

/** Whether one of these succeeded in parallel, so that a compare-and-swap may have failed. */
export function mayHaveLostTo(moment: Moment, ...kinds: string[]): boolean {
  return kinds.some(kind => moment.race?.winners.has(kind))
}

/** Everything that a compare-and-swap on an account compares. */
export const CHANGERS = ['confirm', 'reset', 'code', 'change', 'move', 'secure', 'delete', 'disable']

/** Opens a session and issues its tokens. */
export function openSession(copy: State, op: string, account: string, now: number): void {
  const id = `s${op}`
  copy.sessions.push({ id, account, createdAt: now, refreshedAt: now, expiresAt: now + IDLE, turn: 0 })
  issueTokens(copy, op, id, 0, now)
}

export function issueTokens(copy: State, op: string, session: string, turn: number, now: number): void {
  copy.access[op] = { session, expiresAt: seconds(now) + ACCESS }
  copy.refresh[op] = { session, turn }
}

export function endSessions(copy: State, account: string, except?: string): number {
  const before = copy.sessions.length
  copy.sessions = copy.sessions.filter(row => row.account !== account || row.id === except)
  return before - copy.sessions.length
}

/** Counts an attempt for its request and for its owner's hour. Returns whether the code is checked. */
export function countTry(
  copy: State,
  purpose: string,
  challenge: string,
  owner: string,
  now: number,
): boolean {
  const keys = [`${purpose} ${challenge}`, `${purpose} ${owner} ${Math.floor(now / 3_600_000)}`] as const
  for (const key of keys) copy.tries[key] = (copy.tries[key] ?? 0) + 1
  return (copy.tries[keys[0]] as number) <= 5 && (copy.tries[keys[1]] as number) <= 15
}
