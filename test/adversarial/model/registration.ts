/** Registering an address, and confirming it. */
import { done, isExpired, type Moment, type Outcome, openSession, refused } from './moment.ts'
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
  WEAK,
} from './run.ts'
import { accountAt, accountOf, type Link, printOf, type State } from './state.ts'

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

/** One row an address; asking again keeps its id. */
function file(copy: State, op: string, email: string, locale: string, now: number): void {
  const expiresAt = now + 3 * 86_400_000
  const waiting = copy.pending.find(row => row.email === email)
  if (waiting) Object.assign(waiting, { locale, expiresAt: Math.max(waiting.expiresAt, expiresAt) })
  else copy.pending.push({ id: `r${op}`, email, hash: 'none yet', locale, expiresAt })
  copy.queue.push({ kind: 'registration', to: email, at: now })
}

export const resend: Choose = (run, _op, picks) => {
  const email = at(run.emails, picks.email)
  return {
    kind: 'resend',
    words: `ask for the confirmation mail to ${email} again`,
    send: () => run.call('POST', '/confirm-email/resend', { payload: { email } }),
    outcomes: (state, { now }) =>
      done('202', state, copy => copy.queue.push({ kind: 'confirmation_resend', to: email, at: now })),
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

/** What confirming leads to. */
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
    return done('200', state, copy => {
      copy.pending = copy.pending.filter(({ email }) => email !== row.email)
      copy.accounts.push({
        ...{ id: `a${op}`, email: row.email, password, hash: `h${op}`, confirmed: true, moved: null },
        ...{ disabled: false, secured: null, locale: row.locale, loggedInBefore: true, devices: [device] },
        events: ['registered', 'confirmed'],
      })
      openSession(copy, op, `a${op}`, now)
    })
  }
  if (!account || account.disabled || account.confirmed || printOf(account) !== link.print) {
    return refused('400 token_spent', state)
  }
  if (password === WEAK) return refused('422 password_rejected', state)
  // An account that was made unconfirmed: this is a reset.
  return done('200', state, copy => {
    const mine = accountOf(copy, account.id)
    if (!mine) return
    setPassword(copy, account.id, password, op, 'password_reset', now)
    mine.loggedInBefore = true
    mine.devices.push(device)
    mine.events.push('confirmed')
    openSession(copy, op, account.id, now)
  })
}
