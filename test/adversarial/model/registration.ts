/** Registration and confirmation. */
import { codeFor, isRight } from './codes.ts'
import {
  CHANGERS,
  countTry,
  done,
  isExpired,
  type Moment,
  mayHaveLostTo,
  type Outcome,
  openSession,
  refused,
} from './moment.ts'
import { setPassword } from './passwords.ts'
import {
  at,
  type Choose,
  DEVICE_NAMES,
  DEVICES,
  LOCALES,
  linksFor,
  newest,
  newPasswordOf,
  requestsFor,
  WEAK,
} from './run.ts'
import {
  accountAt,
  accountOf,
  after,
  type Link,
  type Pending,
  pendingAt,
  printOf,
  type Request,
  type State,
  seconds,
} from './state.ts'

export const register: Choose = (run, op, picks) => {
  const { required } = run.moment
  const email = at(run.emails, picks.email)
  const password = required && !picks.right ? undefined : newPasswordOf(picks.newPassword)
  const locale = at(LOCALES, picks.other) ?? 'en'
  const payload = { email, locale, ...(password !== undefined && { password }) }
  return {
    kind: 'register',
    words: `register ${email} with ${password === undefined ? 'no password' : `"${password}"`}`,
    send: () => run.call('POST', '/register', { payload }),
    outcomes(state, { now }) {
      if (password === WEAK) return refused('422 password_rejected', state)
      if (required) return done('202', state, copy => file(copy, op, email, locale, now))
      if (accountAt(state, email)) return refused('409 email_taken', state)
      return done('201', state, copy => {
        copy.pending = copy.pending.filter(row => row.email !== email)
        copy.accounts.push({
          ...{ id: `a${op}`, email, password, hash: `h${op}`, confirmed: false, moved: null },
          ...{ disabled: false, secured: null, locale, loggedInBefore: false, devices: [] },
          events: ['registered'],
        })
      })
    },
  }
}

/** One row per address; a repeated request keeps its id. */
function file(copy: State, op: string, email: string, locale: string, now: number): void {
  const expiresAt = now + 3 * 86_400_000
  const waiting = copy.pending.find(row => row.email === email)
  if (waiting) Object.assign(waiting, { locale, expiresAt: Math.max(waiting.expiresAt, expiresAt) })
  else copy.pending.push({ id: `r${op}`, email, hash: 'none yet', locale, expiresAt })
  ask(copy, op, 'registration', email, now)
}

/** A request for a confirmation email. */
function ask(
  copy: State,
  op: string,
  kind: 'registration' | 'confirmation_resend',
  email: string,
  now: number,
): void {
  copy.requests[op] = { purpose: 'confirm', email, expiresAt: seconds(now) + 86_400 }
  copy.queue.push({ kind, to: email, at: now, challenge: op })
}

export const resend: Choose = (run, op, picks) => {
  const email = at(run.emails, picks.email)
  return {
    kind: 'resend',
    words: `ask for the confirmation mail to ${email} again`,
    send: () => run.call('POST', '/confirm-email/resend', { payload: { email } }),
    outcomes: (state, { now }) =>
      done('202', state, copy => ask(copy, op, 'confirmation_resend', email, now)),
  }
}

export const confirm: Choose = (run, op, picks) => {
  const link = newest(linksFor(run, 'confirm'), picks.which)
  if (link === undefined) return undefined
  const password = newPasswordOf(picks.newPassword)
  const device = at(DEVICE_NAMES, picks.device)
  return {
    kind: 'confirm',
    words: `confirm by link ${link.name} and "${password}"`,
    send: () =>
      run.call('POST', '/confirm-email', {
        payload: { token: link.value, password },
        device: at(DEVICES, picks.device),
      }),
    outcomes: (state, moment) => confirming(state, moment, link.name, password, op, device),
  }
}

/** Outcomes of a confirmation. */
export function confirming(
  state: State,
  moment: Moment,
  linkName: string,
  password: string,
  op: string,
  device: string,
): Outcome[] {
  const link = state.links[linkName] as Link
  const { now } = moment
  if (isExpired(link, now)) return refused('400 token_expired', state)
  const row = state.pending.find(({ id }) => id === link.subject)
  const account = accountOf(state, link.subject)
  if (row) {
    if (printOf(row) !== link.print) return refused('400 token_spent', state)
    if (password === WEAK) return refused('422 password_rejected', state)
    if (accountAt(state, row.email)) return refused('400 token_spent', state)
    return done('200', state, copy => confirmRow(copy, row, { password, op, device, now }))
  }
  if (!account || account.disabled || account.confirmed || printOf(account) !== link.print) {
    return refused('400 token_spent', state)
  }
  if (password === WEAK) return refused('422 password_rejected', state)
  return done('200', state, copy => confirmAccount(copy, account.id, { password, op, device, now }))
}

/** Changes of a confirmation. */
interface Confirmation {
  password: string
  op: string
  device: string
  now: number
}

function confirmRow(copy: State, row: Pending, { password, op, device, now }: Confirmation): void {
  copy.pending = copy.pending.filter(({ email }) => email !== row.email)
  copy.accounts.push({
    ...{ id: `a${op}`, email: row.email, password, hash: `h${op}`, confirmed: true, moved: null },
    ...{ disabled: false, secured: null, locale: row.locale, loggedInBefore: true, devices: [device] },
    events: ['registered', 'confirmed'],
  })
  openSession(copy, op, `a${op}`, now)
}

/** For an account that was created unconfirmed, this is a reset. */
function confirmAccount(copy: State, id: string, { password, op, device, now }: Confirmation): void {
  const mine = accountOf(copy, id)
  if (!mine) return
  setPassword(copy, id, password, op, 'password_reset', now)
  mine.loggedInBefore = true
  mine.devices.push(device)
  mine.events.push('confirmed')
  openSession(copy, op, id, now)
}

export const confirmByCode: Choose = (run, op, picks) => {
  const request = newest(requestsFor(run, 'confirm'), picks.which)
  if (request === undefined) return undefined
  const code = codeFor(run, request.name, picks.right, picks.other, 8)
  const password = newPasswordOf(picks.newPassword)
  const device = at(DEVICE_NAMES, picks.device)
  const payload = { requestToken: request.value, code: code.value, password }
  return {
    kind: 'confirm',
    words: `confirm by request ${request.name} and code ${code.name} and "${password}"`,
    send: () => run.call('POST', '/confirm-email', { payload, device: at(DEVICES, picks.device) }),
    outcomes(state, moment) {
      const { now } = moment
      const { email, ...token } = state.requests[request.name] as Request
      if (isExpired(token, now)) return refused('400 token_expired', state)
      if (password === WEAK) return refused('422 password_rejected', state)
      let attemptAllowed = false
      const counted = after(state, copy => {
        attemptAllowed = countTry(copy, 'confirm', request.name, email, now)
      })
      const late = mayHaveLostTo(moment, ...CHANGERS) ? refused('400 token_spent', counted) : []
      const account = accountAt(counted, email)
      const row = account ? undefined : pendingAt(counted, email, now)
      const waits = row ?? (account?.confirmed || account?.disabled ? undefined : account)
      if (!attemptAllowed || waits === undefined || !isRight(counted, code.name, request.name, waits)) {
        return [...refused('400 code_invalid', counted), ...late]
      }
      const confirmation = { password, op, device, now }
      return done('200', counted, copy =>
        row ? confirmRow(copy, row, confirmation) : confirmAccount(copy, waits.id, confirmation),
      )
    },
  }
}
