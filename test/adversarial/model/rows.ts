// Compares the database with the expected state.
import { createHash } from 'node:crypto'
import { verify } from 'argon2'
import type { Run as Read } from '../../../src/database/sql.ts'
import type { Event, Registration, Session, User } from '../../../src/generated/sqlite/client.ts'
import { PASSWORDS, type Run } from './run.ts'
import type { State } from './state.ts'

/** The part of the database that belongs to a run. */
export interface RunRows {
  accounts: {
    email: string
    password: string | undefined
    confirmed: boolean
    disabled: boolean
    locale: string | null
    sessions: string[]
    events: string[]
    /** Number of refused logins, which are recorded after the response. */
    refused: number
  }[]
  pending: string[]
}

const hashes = new Map<string, string | undefined>()

/** The password of a stored hash, found without the service. */
async function passwordOf(hash: string): Promise<string | undefined> {
  if (!hashes.has(hash)) {
    let found: string | undefined
    for (const password of hash.startsWith('$argon2') ? PASSWORDS : []) {
      if (await verify(hash, password)) found = password
    }
    hashes.set(hash, found)
  }
  return hashes.get(hash)
}

const USERS = `SELECT id, email, password_hash AS "passwordHash", email_confirmed_at AS "emailConfirmedAt",
  disabled_at AS "disabledAt", locale FROM users WHERE email IN ($1, $2, $3)`
const SESSIONS = `SELECT id, user_id AS "userId", refresh_hash AS "refreshHash" FROM sessions
  WHERE user_id IN (SELECT id FROM users WHERE email IN ($1, $2, $3))`
const REGISTRATIONS = `SELECT email, expires_at AS "expiresAt" FROM pending_registrations WHERE email IN ($1, $2, $3)`
/** Of all runs: few, and read in one statement. */
const DELETED = 'SELECT id FROM deleted_accounts'
const eventsOf = (accounts: number) => `SELECT id, user_id AS "userId", kind, at, ip, device,
  request_id AS "requestId" FROM events WHERE user_id IN (${Array.from({ length: accounts }, (_, i) => `$${i + 1}`)})`

/**
 * Reads the rows of a run.
 *
 * @param emails three
 * @param history every event seen before, by id; none may change or disappear while its account exists
 */
export async function readRows(
  read: Read,
  emails: readonly string[],
  history: Map<string, { userId: string; text: string }>,
): Promise<RunRows> {
  const [users, sessions, pending] = await Promise.all([
    read<User>(USERS, emails),
    read<Session>(SESSIONS, emails),
    read<Registration>(REGISTRATIONS, emails),
  ])
  const ids = [
    ...new Set([...users.map(({ id }) => id), ...[...history.values()].map(({ userId }) => userId)]),
  ]
  const events = ids.length === 0 ? [] : await read<Event>(eventsOf(ids.length), ids)
  const found = new Map(events.map(event => [event.id, JSON.stringify(event)]))
  const kept = new Set((await read<{ id: string }>(DELETED, [])).map(({ id }) => id))
  for (const [id, { userId, text }] of history) {
    const there = users.some(user => user.id === userId) || kept.has(userId)
    if (there && found.get(id) !== text) throw new Error(`an event was changed: ${text} -> ${found.get(id)}`)
    if (!there && found.has(id)) throw new Error(`an event names an account that is gone: ${text}`)
    if (!there) history.delete(id)
  }
  for (const { id, userId } of events) {
    history.set(id, { userId: userId as string, text: found.get(id) as string })
  }
  return {
    accounts: await Promise.all(
      users.map(async user => ({
        email: user.email,
        password: await passwordOf(user.passwordHash),
        confirmed: user.emailConfirmedAt !== null,
        disabled: user.disabledAt !== null,
        locale: user.locale,
        sessions: sessions
          .filter(({ userId }) => userId === user.id)
          .map(({ id, refreshHash }) => `${id} ${refreshHash}`)
          .sort(),
        ...historyOf(events.filter(event => event.userId === user.id).map(({ kind }) => kind)),
      })),
    ),
    pending: pending.map(row => `${row.email} ${row.expiresAt.getTime()}`).sort(),
  }
}

/** The rows that a state predicts. */
export function rowsOf(state: State, run: Run): RunRows {
  const sessionId = (id: string) =>
    run.held.access.find(({ name }) => state.access[name]?.session === id)?.sessionId ?? id
  const refreshHash = (id: string, turn: number) => {
    const token = run.held.refresh.find(({ name }) => {
      const known = state.refresh[name]
      return known?.session === id && known.turn === turn
    })
    return createHash('sha256')
      .update(token?.value ?? '')
      .digest('base64url')
  }
  return {
    accounts: state.accounts.map(account => ({
      email: account.email,
      password: account.password,
      confirmed: account.confirmed,
      disabled: account.disabled,
      locale: account.locale,
      sessions: state.sessions
        .filter(row => row.account === account.id)
        .map(({ id, turn }) => `${sessionId(id)} ${refreshHash(id, turn)}`)
        .sort(),
      ...historyOf(account.events),
    })),
    pending: state.pending.map(row => `${row.email} ${row.expiresAt}`).sort(),
  }
}

function historyOf(kinds: string[]) {
  const events = kinds.filter(kind => kind !== 'log_in_refused').sort()
  return { events, refused: kinds.length - events.length }
}

/** Text that is equal if the rows are. */
export function textOf({ accounts, pending }: RunRows): string {
  const sorted = [...accounts].sort((a, b) => (a.email < b.email ? -1 : 1))
  return JSON.stringify({ accounts: sorted, pending }, null, 1)
}

/** Whether the rows can still become equal, once pending refusals are recorded. */
export function mayBecome(found: RunRows, expected: RunRows): boolean {
  const without = ({ accounts, pending }: RunRows) =>
    textOf({ accounts: accounts.map(account => ({ ...account, refused: 0 })), pending })
  const refusals = (rows: RunRows, email: string) =>
    rows.accounts.find(account => account.email === email)?.refused ?? 0
  return (
    without(found) === without(expected) &&
    found.accounts.every(({ email, refused }) => refused <= refusals(expected, email))
  )
}
