// Login, refresh and logout.
import {
  ABSOLUTE,
  activeSession,
  asBearer,
  CHANGERS,
  done,
  endSessions,
  IDLE,
  issueTokens,
  type Moment,
  mayHaveLostTo,
  type Outcome,
  openSession,
  refused,
  sessionOfAny,
} from './moment.ts'
import { at, bearers, type Choose, DEVICE_NAMES, DEVICES, newest, passwordFor, type Run } from './run.ts'
import { accountAt, accountOf, type State } from './state.ts'

export const login: Choose = (run, op, picks) => {
  const email = at(run.emails, picks.email)
  const password = passwordFor(run, email, picks.password)
  return loginWith(run, op, email, password, picks.device)
}

export function loginWith(run: Run, op: string, email: string, password: string, device: number) {
  return {
    kind: 'login',
    words: `log in as ${email} with "${password}" from ${at(DEVICE_NAMES, device)}`,
    send: () => run.call('POST', '/login', { payload: { email, password }, device: at(DEVICES, device) }),
    outcomes(state: State, moment: Moment): Outcome[] {
      const outcomes = loggingIn(state, moment, { email, password, op, device: at(DEVICE_NAMES, device) })
      // Read before a parallel change, so the compare-and-swap failed and wrote nothing.
      return mayHaveLostTo(moment, ...CHANGERS)
        ? [...outcomes, ...refused('401 invalid_credentials', state)]
        : outcomes
    },
  }
}

function loggingIn(
  state: State,
  { now, required }: Moment,
  { email, password, op, device }: Record<'email' | 'password' | 'op' | 'device', string>,
): Outcome[] {
  const account = accountAt(state, email)
  if (account === undefined) return refused('401 invalid_credentials', state)
  if (account.password !== password) {
    return done('401 invalid_credentials', state, copy =>
      accountOf(copy, account.id)?.events.push('log_in_refused'),
    )
  }
  if (account.disabled) return refused('403 account_disabled', state)
  if (!account.confirmed && required) return refused('403 email_not_confirmed', state)
  return done('200', state, copy => {
    const mine = accountOf(copy, account.id)
    if (!mine) return
    if (mine.loggedInBefore && !mine.devices.includes(device)) {
      copy.queue.push({ kind: 'new_device', to: email, at: now, account: account.id })
    }
    mine.loggedInBefore = true
    if (!mine.devices.includes(device)) mine.devices.push(device)
    mine.events.push('logged_in')
    openSession(copy, op, account.id, now)
  })
}

export const refresh: Choose = (run, op, picks) => {
  const token = newest(run.held.refresh, picks.which)
  if (token === undefined) return undefined
  return {
    kind: 'refresh',
    words: `refresh with the token of ${token.name}`,
    send: () => run.call('POST', '/token/refresh', { payload: { refreshToken: token.value } }),
    outcomes: (state, moment) => refreshing(state, moment, token.name, op),
  }
}

function refreshing(state: State, { now, grace }: Moment, name: string, op: string): Outcome[] {
  const shown = state.refresh[name] as State['refresh'][string]
  const session = activeSession(state, shown.session, now)
  if (session === undefined) return refused('401 refresh_token_invalid', state)
  if (shown.turn === session.turn) {
    return done('200', state, copy => {
      const mine = copy.sessions.find(({ id }) => id === session.id)
      const expiresAt = Math.min(now + IDLE, session.createdAt + ABSOLUTE)
      Object.assign(mine ?? {}, { turn: session.turn + 1, refreshedAt: now, expiresAt })
      issueTokens(copy, op, session.id, session.turn + 1, now)
    })
  }
  if (shown.turn === session.turn - 1 && now - session.refreshedAt < grace * 1000) {
    return done('200', state, copy => issueTokens(copy, op, session.id, session.turn, now))
  }
  return done('401 refresh_token_invalid', state, copy => {
    copy.sessions = copy.sessions.filter(({ id }) => id !== session.id)
    accountOf(copy, session.account)?.events.push('refresh_token_reused')
  })
}

export const logout: Choose = (run, _op, picks) => {
  const access = newest(bearers(run), picks.which)
  return (
    access && {
      kind: 'logout',
      words: `log out with the token of ${access.name}`,
      send: () => run.call('POST', '/logout', { bearer: access.value }),
      outcomes: (state, moment) =>
        asBearer(
          state,
          access.name,
          moment,
          session => done('204', state, copy => endOne(copy, session.account, session.id)),
          sessionOfAny,
        ),
    }
  )
}

/** Ends a session of an account. Returns whether it existed. */
function endOne(copy: State, account: string, id: string): boolean {
  if (!copy.sessions.some(row => row.id === id && row.account === account)) return false
  copy.sessions = copy.sessions.filter(row => row.id !== id)
  accountOf(copy, account)?.events.push('session_ended')
  return true
}

export const endOthers: Choose = (run, _op, picks) => {
  const access = newest(bearers(run), picks.which)
  return (
    access && {
      kind: 'endOthers',
      words: `end the other sessions with the token of ${access.name}`,
      send: () => run.call('DELETE', '/sessions', { bearer: access.value }),
      outcomes: (state, moment) =>
        asBearer(state, access.name, moment, ({ account, id }) =>
          done('204', state, copy => {
            if (endSessions(copy, account, id) > 0) accountOf(copy, account)?.events.push('session_ended')
          }),
        ),
    }
  )
}

export const endSession: Choose = (run, _op, picks) => {
  const access = newest(bearers(run), picks.which)
  const target = newest(run.held.access, picks.other)
  if (access === undefined || target === undefined) return undefined
  return {
    kind: 'endSession',
    words: `end the session of ${target.name} with the token of ${access.name}`,
    send: () => run.call('DELETE', `/sessions/${target.sessionId}`, { bearer: access.value }),
    outcomes: (state, moment) =>
      asBearer(state, access.name, moment, ({ account }) => {
        const id = state.access[target.name]?.session
        const has = state.sessions.some(row => row.id === id && row.account === account)
        if (!has) return refused('404 not_found', state)
        return done('204', state, copy => endOne(copy, account, id as string))
      }),
  }
}
