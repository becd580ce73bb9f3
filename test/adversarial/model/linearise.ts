// Possible states after parallel actions: those that some order explains, with emails sent at any moment in between.
import { deliver } from './mails.ts'
import type { Moment } from './moment.ts'
import type { Action } from './run.ts'
import type { Sent, State } from './state.ts'

/** An action and its response. */
export interface Acted {
  action: Action
  said: string
}

/** An email that arrived, and the name of its link or code in the model. */
export interface Arrived {
  name: string
  kind: string
  to: string
}

/** The states that explain the responses. */
export function linearise(states: State[], acts: Acted[], moment: Moment): State[] {
  const possible = states.flatMap(before => {
    const seen = new Map<string, State[]>()
    const momentOf = (act: Acted): Moment => {
      if (acts.length === 1) return moment
      const others = acts.filter(other => other !== act && other.said.startsWith('2'))
      return { ...moment, race: { before, winners: new Set(others.map(({ action }) => action.kind)) } }
    }
    const explore = (state: State, left: Acted[]): State[] => {
      if (left.length === 0) return deliverAll(state, moment)
      const key = `${left.map(act => acts.indexOf(act))} ${keyOf(state)}`
      const known = seen.get(key)
      if (known) return known
      const next = left.flatMap(act =>
        act.action
          .outcomes(state, momentOf(act))
          .filter(({ answer }) => answer === act.said)
          .flatMap(outcome =>
            explore(
              outcome.state,
              left.filter(other => other !== act),
            ),
          ),
      )
      const sentFirst =
        acts.length === 1
          ? []
          : state.queue.flatMap((_, index) =>
              deliver(state, index, moment).flatMap(delivered => explore(delivered, left)),
            )
      const all = distinct([...next, ...sentFirst])
      seen.set(key, all)
      return all
    }
    return explore(state0(before), acts)
  })
  return distinct(possible)
}

const state0 = (state: State): State => ({ ...state, sent: [] })

function deliverAll(state: State, moment: Moment): State[] {
  if (state.queue.length === 0) return [state]
  return deliver(state, 0, moment).flatMap(next => deliverAll(next, moment))
}

/** The states in which exactly these emails were sent, with the names of their contents. */
export function bindMails(states: State[], mails: Arrived[]): State[] {
  return distinct(states.flatMap(state => bind(state, state.sent, mails)))
}

/** Two emails of one kind to one address are interchangeable. */
function bind(state: State, sent: Sent[], mails: Arrived[]): State[] {
  const [first, ...rest] = sent
  if (first === undefined) return mails.length === 0 ? [{ ...state, sent: [] }] : []
  return mails
    .filter(({ kind, to }) => kind === first.kind && to === first.to)
    .flatMap(mail =>
      bind(
        {
          ...state,
          links: first.link ? { ...state.links, [mail.name]: first.link } : state.links,
          codes: first.code ? { ...state.codes, [mail.name]: first.code } : state.codes,
        },
        rest,
        mails.filter(other => other !== mail),
      ),
    )
}

/** Removes duplicates. */
export function distinct(states: State[]): State[] {
  if (states.length < 2) return states
  return [...new Map(states.map(state => [keyOf(state), state])).values()]
}

/** Also removes states that differ only in the order of insertion. */
function keyOf(state: State): string {
  return JSON.stringify(state, (_key, value) => {
    if (Array.isArray(value)) return value.map(item => JSON.stringify(item, ordered)).sort()
    return ordered(_key, value)
  })
}

function ordered(_key: string, value: unknown): unknown {
  if (Array.isArray(value)) return [...value].sort()
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
