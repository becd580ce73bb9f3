// The email that a queued row becomes, by the state when it is sent.
import type { Moment } from './moment.ts'
import {
  type Account,
  accountAt,
  accountOf,
  after,
  deletedOf,
  type Filed,
  type FiledKind,
  type Link,
  pendingAt,
  printOf,
  type Sent,
  type State,
  seconds,
} from './state.ts'

/** Emails with a "this was not me" link. */
export const NOTICES = new Set(['password_changed', 'email_change_requested', 'email_changed', 'new_device'])

const noticeOf = (state: State, account: string, to: string, now: number) =>
  state.noticed.find(row => row.account === account && row.to === to && row.expiresAt > now)

/** Possible states after the email at an index of the queue is processed. */
export function deliver(state: State, index: number, moment: Moment): State[] {
  const mail = state.queue[index] as Filed
  const send = (
    kind: string,
    what: Omit<Sent, 'kind' | 'to'> = {},
    change: (copy: State) => void = () => {},
  ) =>
    after(state, copy => {
      copy.queue.splice(index, 1)
      extendRegistration(copy)
      change(copy)
      copy.sent.push({ kind, to: mail.to, ...what })
    })
  const dropped = after(state, copy => {
    copy.queue.splice(index, 1)
    extendRegistration(copy)
  })

  if (mail.kind === 'farewell') return [farewell()]
  const account = mail.account === undefined ? accountAt(state, mail.to) : accountOf(state, mail.account)
  if (account === undefined) return mail.account === undefined ? withoutAccount() : ofDeleted()
  if (account.disabled) return [dropped]
  const { now } = moment
  switch (mail.kind) {
    case 'registration':
      return [send('already_registered')]
    case 'confirmation_resend':
      if (account.confirmed) return [send('already_registered')]
      return [
        send('confirm_address', { link: bound('confirm', account, now, 86_400), code: codeFor(account) }),
      ]
    case 'reset_request': {
      const code = codeFor(account)
      const link = bound('reset', account, now, 1800)
      return [
        send('reset_password', { link, code }, copy =>
          accountOf(copy, account.id)?.events.push('reset_requested'),
        ),
      ]
    }
    case 'account_secured':
      return [send(mail.kind, { link: bound('reset', account, now, 1800) })]
    case 'password_change_code':
      return [send(mail.kind, { code: codeFor(account) })]
    case 'email_change':
      if (accountAt(state, mail.to)) return [dropped]
      return [
        send('change_email', {
          link: { ...bound('move', account, now, 86_400), email: mail.to },
          code: codeFor(account),
        }),
      ]
    default:
      return [notice(mail.kind, account.id, mail.at)]
  }

  /** Until a confirmation link that is sent now expires; with an account too, which costs the same time. */
  function extendRegistration(copy: State) {
    const row = LEAD_IN.includes(mail.kind) ? pendingAt(copy, mail.to, moment.now) : undefined
    if (row) row.expiresAt = Math.max(row.expiresAt, moment.now + 86_400_000)
  }

  /** The code of the request that the email serves. */
  function codeFor(subject: Pick<Account, 'id' | 'email' | 'hash'>) {
    return { challenge: mail.challenge as string, subject: subject.id, print: printOf(subject) }
  }

  /** An email with a "this was not me" link. */
  function notice(kind: string, subject: string, at: number): State {
    const expiresAt = seconds(moment.now) + 604_800
    const link = { purpose: 'secure' as const, subject, print: '', email: mail.to, notice: at, expiresAt }
    return send(kind, { link }, copy => {
      const before = noticeOf(copy, subject, mail.to, moment.now)
      copy.noticed = copy.noticed.filter(row => row.account !== subject || row.to !== mail.to)
      const oldest = Math.min(at, before?.at ?? at)
      copy.noticed.push({ account: subject, to: mail.to, at: oldest, expiresAt: expiresAt * 1000 })
      const deleted = deletedOf(copy, subject, moment.now)
      if (deleted) deleted.expiresAt = Math.max(deleted.expiresAt, expiresAt * 1000)
    })
  }

  function farewell(): State {
    const deleted = deletedOf(state, mail.account, moment.now)
    const earlier = deleted && noticeOf(state, deleted.account.id, mail.to, moment.now)
    return earlier ? notice('account_deleted', earlier.account, earlier.at) : send('farewell')
  }

  function ofDeleted(): State[] {
    const deleted = deletedOf(state, mail.account, moment.now)
    return deleted && NOTICES.has(mail.kind) ? [notice(mail.kind, deleted.account.id, mail.at)] : [dropped]
  }

  function withoutAccount(): State[] {
    const row = pendingAt(state, mail.to, moment.now)
    if (row === undefined || !LEAD_IN.includes(mail.kind)) return [dropped]
    // A reset request accepts no confirmation code.
    const code = mail.kind === 'reset_request' ? {} : { code: codeFor(row) }
    return [send('confirm_address', { link: bound('confirm', row, moment.now, 86_400), ...code })]
  }
}

/** The confirmation email where no account exists. */
const LEAD_IN: FiledKind[] = ['registration', 'confirmation_resend', 'reset_request']

function bound(
  purpose: Link['purpose'],
  subject: Pick<Account, 'id' | 'email' | 'hash'>,
  now: number,
  ttl: number,
): Link {
  return { purpose, subject: subject.id, print: printOf(subject), expiresAt: seconds(now) + ttl }
}
