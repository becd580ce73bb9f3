/** Setting a password: by reset link, by reset code, or by a change with the current one. */

import { codeFor, isRight } from './codes.ts'
import {
  asBearer,
  CHANGERS,
  countTry,
  done,
  endSessions,
  isExpired,
  type Moment,
  mayHaveLostTo,
  type Outcome,
  refused,
} from './moment.ts'
import {
  at,
  bearers,
  type Choose,
  linksFor,
  newest,
  newPasswordOf,
  passwordOf,
  requestsFor,
  WEAK,
} from './run.ts'
import { accountAt, accountOf, after, type Link, printOf, type State, seconds } from './state.ts'

export const requestReset: Choose = (run, op, picks) => {
  const email = at(run.emails, picks.email)
  return {
    kind: 'requestReset',
    words: `ask for a reset of ${email}`,
    send: () => run.call('POST', '/password-reset/request', { payload: { email } }),
    outcomes: (state, { now }) =>
      done('202', state, copy => {
        copy.requests[op] = { purpose: 'reset', email, expiresAt: seconds(now) + 1800 }
        copy.queue.push({ kind: 'reset_request', to: email, at: now, challenge: op })
      }),
  }
}

/** Sets a password, revokes all sessions and queues the notice. */
export function setPassword(
  copy: State,
  id: string,
  password: string,
  op: string,
  event: string,
  now: number,
) {
  const account = accountOf(copy, id)
  if (!account) return
  Object.assign(account, { password, hash: `h${op}`, confirmed: true })
  account.events.push(event)
  endSessions(copy, id)
  copy.queue.push({ kind: 'password_changed', to: account.email, at: now, account: id })
}

/** Outcome of the check of a reset link. */
export function checking(state: State, name: string, now: number): string {
  const link = state.links[name] as Link
  if (isExpired(link, now)) return '400 token_expired'
  const account = accountOf(state, link.subject)
  return account && !account.disabled && printOf(account) === link.print ? '200' : '400 token_spent'
}

export const resetByLink: Choose = (run, op, picks) => {
  const link = newest(linksFor(run, 'reset'), picks.which)
  if (link === undefined) return undefined
  const password = newPasswordOf(picks.newPassword)
  return {
    kind: 'reset',
    words: `reset by link ${link.name} to "${password}"`,
    send: () =>
      run.call('POST', '/password-reset/confirm', { payload: { token: link.value, newPassword: password } }),
    outcomes(state, { now }) {
      const check = checking(state, link.name, now)
      if (check !== '200') return refused(check, state)
      if (password === WEAK) return refused('422 password_rejected', state)
      const { subject } = state.links[link.name] as Link
      return done('204', state, copy => setPassword(copy, subject, password, op, 'password_reset', now))
    },
  }
}

export const resetByCode: Choose = (run, op, picks) => {
  const request = newest(requestsFor(run, 'reset'), picks.which)
  if (request === undefined) return undefined
  const code = codeFor(run, request.name, picks.right, picks.other, 8)
  const password = newPasswordOf(picks.newPassword)
  const payload = { requestToken: request.value, code: code.value, newPassword: password }
  return {
    kind: 'code',
    words: `reset by request ${request.name} and code ${code.name} to "${password}"`,
    send: () => run.call('POST', '/password-reset/confirm', { payload }),
    outcomes(state, moment) {
      const { now } = moment
      const token = state.requests[request.name] as State['requests'][string]
      if (isExpired(token, now)) return refused('400 token_expired', state)
      if (password === WEAK) return refused('422 password_rejected', state)
      let attemptAllowed = false
      const counted = after(state, copy => {
        attemptAllowed = countTry(copy, 'reset', request.name, token.email, now)
      })
      // Judged by the account as it was just before a parallel change.
      const late = mayHaveLostTo(moment, ...CHANGERS) ? refused('400 token_spent', counted) : []
      const account = accountAt(counted, token.email)
      if (
        !account ||
        account.disabled ||
        !attemptAllowed ||
        !isRight(counted, code.name, request.name, account)
      ) {
        return [...refused('400 code_invalid', counted), ...late]
      }
      return done('204', counted, copy => setPassword(copy, account.id, password, op, 'password_reset', now))
    },
  }
}

export const requestChange: Choose = (run, op, picks) => {
  const access = newest(bearers(run), picks.which)
  if (access === undefined) return undefined
  const password = passwordOf(run, access.name, picks.password)
  return {
    kind: 'requestChange',
    words: `ask for a change with the token of ${access.name} and "${password}"`,
    access: access.name,
    send: () =>
      run.call('POST', '/password-change/request', {
        payload: { currentPassword: password },
        bearer: access.value,
      }),
    outcomes: (state, moment) =>
      asBearer(state, access.name, moment, session => {
        const account = accountOf(state, session.account)
        if (!account) return refused('401 unauthenticated', state)
        if (account.password !== password) return refused('403 invalid_password', state)
        return done('202', state, copy => {
          const print = printOf(account)
          const expiresAt = seconds(moment.now) + 600
          copy.changes[op] = { account: account.id, session: session.id, print, expiresAt }
          const mail = { to: account.email, at: moment.now, account: account.id, challenge: op }
          copy.queue.push({ kind: 'password_change_code', ...mail })
        })
      }),
  }
}

export const confirmChange: Choose = (run, op, picks) => {
  const change = newest(run.held.changes, picks.which)
  if (change === undefined) return undefined
  // Usually with the session that it belongs to.
  const own = run.held.access.find(({ name }) => name === change.access)
  const access = picks.device === 0 ? own : newest(bearers(run), picks.other)
  if (access === undefined) return undefined
  const code = codeFor(run, change.name, picks.right, picks.other, 6)
  const password = newPasswordOf(picks.newPassword)
  const payload = { changeToken: change.value, code: code.value, newPassword: password }
  return {
    kind: 'change',
    words: `change by request ${change.name} and code ${code.name} to "${password}", with the token of ${access.name}`,
    send: () => run.call('POST', '/password-change/confirm', { payload, bearer: access.value }),
    outcomes: (state, moment) =>
      asBearer(state, access.name, moment, session =>
        changing(state, moment, { change: change.name, code: code.name, password, op, session: session.id }),
      ),
  }
}

/** Outcome of confirming a change with a session. */
export function changing(
  state: State,
  moment: Moment,
  { change, code, password, op, session }: Record<'change' | 'code' | 'password' | 'op' | 'session', string>,
): Outcome[] {
  const { now } = moment
  const token = state.changes[change] as State['changes'][string]
  if (isExpired(token, now)) return refused('400 token_expired', state)
  if (token.session !== session) return refused('400 token_invalid', state)
  const account = accountOf(state, token.account)
  let attemptAllowed = false
  const counted = after(state, copy => {
    attemptAllowed = countTry(copy, 'change', change, token.account, now)
  })
  const late = mayHaveLostTo(moment, ...CHANGERS) ? refused('400 token_spent', counted) : []
  if (!account || printOf(account) !== token.print) return [...refused('400 token_spent', state), ...late]
  if (password === WEAK) return refused('422 password_rejected', state)
  if (!attemptAllowed || !isRight(counted, code, change, account))
    return [...refused('400 code_invalid', counted), ...late]
  return done('204', counted, copy => setPassword(copy, account.id, password, op, 'password_changed', now))
}
