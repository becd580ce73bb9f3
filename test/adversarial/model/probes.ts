// Checks every pending token without using it up.

import { moving } from './account-commands.ts'
import { isExpired, sessionOf } from './moment.ts'
import { checking } from './passwords.ts'
import { confirming } from './registration.ts'
import { type Run, requestsFor, WEAK } from './run.ts'
import { accountOf, type Link, printOf, type State } from './state.ts'

export interface Probe {
  words: string
  ask(): Promise<string>
  expected(state: State): string
  /** The id in the token; the row may be gone for good. */
  subject?: (state: State) => string | undefined
  /** Whether the result can change by time alone. */
  dependsOnTimeOnly?: boolean
}

/** Results that mean a token is invalid for good; a used one might become valid again. */
const INVALID = /^(401 unauthenticated|400 token_expired)/

/** Every probe of a run. A wrong password, or one that the policy rejects, uses up nothing. */
function allProbes(run: Run): Probe[] {
  const { now } = run.moment
  const probes: Probe[] = []
  for (const { name, value } of run.held.access) {
    probes.push({
      words: `GET /me with the access token of ${name}`,
      async ask() {
        const { said, body } = await run.call('GET', '/me', { bearer: value })
        return said === '200' ? `200 ${body['email']} ${body['locale']}` : said
      },
      expected(state) {
        const account = accountOf(state, sessionOf(state, name, now)?.account)
        return account ? `200 ${account.email} ${account.locale}` : '401 unauthenticated'
      },
    })
  }
  for (const { name, value, purpose } of run.held.links) {
    if (purpose === 'reset') {
      probes.push({
        words: `check of the reset link ${name}`,
        ask: async () =>
          (await run.call('POST', '/password-reset/check', { payload: { token: value } })).said,
        expected: state => checking(state, name, now),
        subject: state => state.links[name]?.subject,
      })
    } else if (purpose === 'confirm' || purpose === 'move') {
      const url = purpose === 'confirm' ? '/confirm-email' : '/email-change/confirm'
      // A confirmation accepts any password that the policy accepts; an email change requires the password of the
      // account.
      const payload = { token: value, password: purpose === 'confirm' ? WEAK : 'not the password of anybody' }
      probes.push({
        words: `the link ${name} (${purpose}) with a password that is refused`,
        ask: async () => (await run.call('POST', url, { payload })).said,
        expected(state) {
          if (purpose === 'move') return moving(state, name, payload.password, now) as string
          return confirming(state, run.moment, name, payload.password, '', '')[0]?.answer as string
        },
        subject: state => state.links[name]?.subject,
      })
    } else {
      const payload = { token: value, email: 'somebody-else@example.org' }
      probes.push({
        words: `the notice ${name} with another address`,
        ask: async () => (await run.call('POST', '/account/secure', { payload })).said,
        expected: state =>
          isExpired(state.links[name] as Link, now) ? '400 token_expired' : '400 token_spent',
        dependsOnTimeOnly: true,
      })
    }
  }
  for (const { name, value, access } of run.held.changes) {
    const bearer = run.held.access.find(token => token.name === access)?.value as string
    const payload = { changeToken: value, code: '000000', newPassword: WEAK }
    probes.push({
      words: `the change ${name} with a password that is refused`,
      ask: async () => (await run.call('POST', '/password-change/confirm', { payload, bearer })).said,
      expected(state) {
        if (!sessionOf(state, access, now)) return '401 unauthenticated'
        const change = state.changes[name] as State['changes'][string]
        return changeProbe(state, change, now)
      },
      subject: state => state.changes[name]?.account,
    })
  }
  // A request to change the email cannot be probed without using it up: it accepts any password.
  for (const [purpose, url, key] of [
    ['reset', '/password-reset/confirm', 'newPassword'],
    ['confirm', '/confirm-email', 'password'],
  ] as const) {
    for (const { name, value } of requestsFor(run, purpose)) {
      const payload = { requestToken: value, code: '00000000', [key]: WEAK }
      probes.push({
        words: `the request ${name} (${purpose}) with a password that is refused`,
        ask: async () => (await run.call('POST', url, { payload })).said,
        expected: state =>
          isExpired(state.requests[name] as State['requests'][string], now)
            ? '400 token_expired'
            : '422 password_rejected',
        dependsOnTimeOnly: true,
      })
    }
  }
  return probes
}

function changeProbe(state: State, change: State['changes'][string], now: number): string {
  if (isExpired(change, now)) return '400 token_expired'
  const account = accountOf(state, change.account)
  return account && printOf(account) === change.print ? '422 password_rejected' : '400 token_spent'
}

/** Whether an account or a registration exists in no possible state any more. */
function isGone(run: Run, { subject }: Probe): boolean {
  return (
    subject !== undefined &&
    run.states.every(state => {
      const id = subject(state)
      return !state.pending.some(row => row.id === id) && !accountOf(state, id)
    })
  )
}

/** Runs the probes of a run step by step. */
export function prober(run: Run) {
  const last = new Map<string, string>()
  let turn = 0
  let probedAt = 0
  return {
    /**
     * The probes to run now: all tokens that are valid or used. Tokens that are invalid for good are probed two at a
     * time in turn, because a run with many tokens would take too long.
     */
    due(all = false): Probe[] {
      const probes = allProbes(run)
      const passed = run.moment.now - probedAt >= 1000
      probedAt = run.moment.now
      const idle = probes.filter(probe => {
        const before = last.get(probe.words)
        if (before === undefined || run.states.some(state => probe.expected(state) !== before)) return false
        return probe.dependsOnTimeOnly ? !passed : INVALID.test(before) || isGone(run, probe)
      })
      const taken = new Set([idle[turn++ % idle.length], idle[turn++ % idle.length]])
      return all ? probes : probes.filter(probe => !idle.includes(probe) || taken.has(probe))
    },
    note: (probe: Probe, said: string) => void last.set(probe.words, said),
  }
}
