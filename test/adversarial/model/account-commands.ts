// Changing the email, securing and deleting an account.

import { codeFor, isRight } from './codes.ts'
import { NOTICES } from './mails.ts'
import {
  asBearer,
  CHANGERS,
  countTry,
  done,
  endSessions,
  isExpired,
  mayHaveLostTo,
  type Outcome,
  refused,
} from './moment.ts'
import {
  at,
  bearers,
  type Choose,
  LOCALES,
  linksFor,
  newest,
  PASSWORDS,
  passwordOf,
  requestsFor,
} from './run.ts'
import {
  type Account,
  accountAt,
  accountOf,
  after,
  deletedOf,
  type Link,
  printOf,
  type Request,
  type State,
  seconds,
} from './state.ts'

export const requestMove: Choose = (run, op, picks) => {
  const access = newest(bearers(run), picks.which)
  if (access === undefined) return undefined
  const password = passwordOf(run, access.name, picks.password)
  const email = at(run.emails, picks.email)
  return {
    kind: 'requestMove',
    words: `ask to move to ${email} with the token of ${access.name} and "${password}"`,
    send: () =>
      run.call('POST', '/email-change/request', {
        payload: { currentPassword: password, newEmail: email },
        bearer: access.value,
      }),
    outcomes: (state, moment) =>
      asBearer(state, access.name, moment, session => {
        const account = accountOf(state, session.account)
        if (!account) return refused('401 unauthenticated', state)
        if (account.password !== password) return refused('403 invalid_password', state)
        return done('202', state, copy => {
          const mail = { at: moment.now, account: account.id }
          const expiresAt = seconds(moment.now) + 86_400
          copy.requests[op] = { purpose: 'move', email, expiresAt, account: account.id }
          copy.queue.push({ kind: 'email_change', to: email, challenge: op, ...mail })
          copy.queue.push({ kind: 'email_change_requested', to: account.email, ...mail })
        })
      }),
  }
}

/** The account of a link to a new email, or the error. */
export function moving(state: State, name: string, password: string, now: number): Account | string {
  const link = state.links[name] as Link
  if (isExpired(link, now)) return '400 token_expired'
  const account = accountOf(state, link.subject)
  if (!account || account.disabled || printOf(account) !== link.print) return '400 token_spent'
  return account.password === password ? account : '403 invalid_password'
}

export const confirmMove: Choose = (run, op, picks) => {
  const link = newest(linksFor(run, 'move'), picks.which)
  if (link === undefined) return undefined
  const [known] = run.states
  const owner = known && accountOf(known, known.links[link.name]?.subject)
  const password =
    picks.password === 'right' ? (owner?.password ?? at(PASSWORDS, 0)) : at(PASSWORDS, picks.password)
  return {
    kind: 'move',
    words: `move by link ${link.name} and "${password}"`,
    send: () => run.call('POST', '/email-change/confirm', { payload: { token: link.value, password } }),
    outcomes(state, { now }) {
      const account = moving(state, link.name, password, now)
      if (typeof account === 'string') return refused(account, state)
      const email = state.links[link.name]?.email as string
      if (accountAt(state, email)) return refused('409 email_taken', state)
      return done('204', state, copy => move(copy, account, email, op, now))
    },
  }
}

function move(copy: State, account: Account, email: string, op: string, now: number): void {
  const mine = accountOf(copy, account.id) as Account
  Object.assign(mine, { email, confirmed: true, moved: op })
  mine.events.push('email_changed')
  copy.pending = copy.pending.filter(row => row.email !== email)
  copy.queue.push({ kind: 'email_changed', to: account.email, at: now, account: account.id })
}

export const moveByCode: Choose = (run, op, picks) => {
  const request = newest(requestsFor(run, 'move'), picks.which)
  if (request === undefined) return undefined
  const code = codeFor(run, request.name, picks.right, picks.other, 8)
  const [known] = run.states
  const owner = known && accountOf(known, known.requests[request.name]?.account)
  const password =
    picks.password === 'right' ? (owner?.password ?? at(PASSWORDS, 0)) : at(PASSWORDS, picks.password)
  const payload = { requestToken: request.value, code: code.value, password }
  return {
    kind: 'move',
    words: `move by request ${request.name} and code ${code.name} and "${password}"`,
    send: () => run.call('POST', '/email-change/confirm', { payload }),
    outcomes(state, moment) {
      const { now } = moment
      const { email, ...token } = state.requests[request.name] as Request
      if (isExpired(token, now)) return refused('400 token_expired', state)
      let attemptAllowed = false
      const counted = after(state, copy => {
        attemptAllowed = countTry(copy, 'move', request.name, `${email} ${token.account}`, now)
      })
      const late = mayHaveLostTo(moment, ...CHANGERS) ? refused('400 token_spent', counted) : []
      const account = accountOf(counted, token.account)
      if (
        !account ||
        account.disabled ||
        !attemptAllowed ||
        !isRight(counted, code.name, request.name, account)
      ) {
        return [...refused('400 code_invalid', counted), ...late]
      }
      if (account.password !== password) return [...refused('403 invalid_password', counted), ...late]
      if (accountAt(counted, email)) return [...refused('409 email_taken', counted), ...late]
      return done('204', counted, copy => move(copy, account, email, op, now))
    },
  }
}

export const secure: Choose = (run, op, picks) => {
  const link = newest(linksFor(run, 'secure'), picks.which)
  if (link === undefined) return undefined
  // Usually the right address.
  const right = run.states[0]?.links[link.name]?.email as string
  const email = picks.right || picks.other % 3 > 0 ? right : at(run.emails, picks.email)
  return {
    kind: 'secure',
    words: `say that ${link.name} was not me, as ${email}`,
    send: () => run.call('POST', '/account/secure', { payload: { token: link.value, email } }),
    outcomes(state, moment) {
      const late = mayHaveLostTo(moment, 'secure') ? refused('400 token_spent', state) : []
      return [...securing(state, moment.now, link.name, email, op), ...late]
    },
  }
}

function securing(state: State, now: number, name: string, email: string, op: string): Outcome[] {
  const link = state.links[name] as Link
  const notice = link.notice as number
  if (isExpired(link, now)) return refused('400 token_expired', state)
  const deleted = deletedOf(state, link.subject, now)
  const account = accountOf(state, link.subject) ?? deleted?.account
  if (!account || account.disabled || link.email !== email) return refused('400 token_spent', state)
  const { secured } = account
  if (secured && notice >= secured.notice && notice <= secured.at) return refused('400 token_spent', state)
  if (deleted && accountAt(state, email)) return refused('400 token_spent', state)
  return done('204', state, copy => {
    if (deleted) {
      copy.deleted = copy.deleted.filter(row => row.account.id !== account.id)
      copy.accounts.push({ ...account, events: [...account.events], confirmed: true, moved: op })
    }
    copy.noticed = copy.noticed.filter(row => row.account !== account.id || row.at < notice)
    const mine = accountOf(copy, account.id) as Account
    const other = accountAt(copy, email)
    if (other === undefined || other.id === mine.id) {
      mine.email = email
      copy.pending = copy.pending.filter(row => row.email !== email)
    }
    Object.assign(mine, { password: undefined, hash: `h${op}`, secured: { at: now, notice } })
    mine.events.push('secured')
    endSessions(copy, mine.id)
    copy.queue.push({ kind: 'account_secured', to: email, at: now, account: mine.id })
  })
}

export const setLocale: Choose = (run, _op, picks) => {
  const access = newest(bearers(run), picks.which)
  if (access === undefined) return undefined
  const locale = at(LOCALES, picks.other)
  return {
    kind: 'setLocale',
    words: `set the language to ${locale} with the token of ${access.name}`,
    send: () => run.call('PATCH', '/me', { payload: { locale }, bearer: access.value }),
    outcomes: (state, moment) =>
      asBearer(state, access.name, moment, session => {
        if (!accountOf(state, session.account)) return refused('401 unauthenticated', state)
        return done('200', state, copy =>
          Object.assign(accountOf(copy, session.account) as Account, { locale }),
        )
      }),
  }
}

export const leave: Choose = (run, _op, picks) => {
  const access = newest(bearers(run), picks.which)
  if (access === undefined) return undefined
  const password = passwordOf(run, access.name, picks.password)
  return {
    kind: 'delete',
    words: `delete the account with the token of ${access.name} and "${password}"`,
    send: () => run.call('DELETE', '/me', { payload: { currentPassword: password }, bearer: access.value }),
    outcomes: (state, moment) =>
      asBearer(state, access.name, moment, session => {
        // The account changed while the password was hashed.
        const late = mayHaveLostTo(moment, ...CHANGERS) ? refused('401 unauthenticated', state) : []
        const account = accountOf(state, session.account)
        if (!account) return refused('401 unauthenticated', state)
        if (account.password !== password) return [...refused('403 invalid_password', state), ...late]
        return [...late, ...done('204', state, copy => removeAccount(copy, account, moment.now))]
      }),
  }
}

function removeAccount(copy: State, account: Account, now: number): void {
  const { id, email } = account
  const readers = [
    ...copy.noticed.filter(row => row.account === id && row.expiresAt > now),
    ...copy.queue.filter(mail => mail.account === id && NOTICES.has(mail.kind)),
  ].map(({ to }) => to)
  const isUndoable = readers.length > 0
  endSessions(copy, id)
  copy.accounts = copy.accounts.filter(row => row.id !== id)
  copy.pending = copy.pending.filter(row => row.email !== email)
  copy.queue = copy.queue.filter(mail =>
    mail.account === id ? NOTICES.has(mail.kind) : mail.to !== email || mail.account !== undefined,
  )
  for (const to of new Set([email, ...readers])) {
    copy.queue.push({ kind: 'farewell', to, at: now, ...(isUndoable && { account: id }) })
  }
  if (isUndoable) {
    const events = [...account.events, 'deleted']
    copy.deleted.push({ account: { ...account, events }, expiresAt: now + 604_800_000 })
  } else copy.noticed = copy.noticed.filter(row => row.account !== id)
}

/** Done by an operator, in the database. */
export const disable: Choose = (run, _op, picks) => {
  const email = at(run.emails, picks.email)
  if (!run.states.every(state => accountAt(state, email))) return undefined
  return {
    kind: 'disable',
    words: `the operator disables ${email}`,
    send: async () => ({ said: (await run.disable(email)) ? '200' : '404', body: {} }),
    outcomes(state) {
      const account = accountAt(state, email)
      if (!account) return refused('404', state)
      return done('200', state, copy => {
        Object.assign(accountOf(copy, account.id) as Account, { disabled: true })
        endSessions(copy, account.id)
      })
    },
  }
}
