/** Invariants of the rows while no process is running: no transaction is half done. */
import pg from 'pg'
import type { Provider } from '../../../../src/database/index.ts'
import { postgresqlConfig } from '../../../../src/database/postgresql.ts'
import { openConnection } from '../../../../src/database/sqlite.ts'
import { until } from '../../../harness/until.ts'

/** Access to the rows while no process of the service is running. */
export interface Between {
  query(sql: string): Promise<Record<string, unknown>[]>
}

/** Kinds of events that set the password; a confirmation sets the first. */
const SETS = `('confirmed', 'password_reset', 'password_changed')`
const SUCCESSFUL_LOGINS = `('confirmed', 'logged_in')`
const latest = (kinds: string) => `(SELECT max(at) FROM events WHERE user_id = users.id AND kind IN ${kinds})`
const events = (...kinds: string[]) =>
  `(SELECT count(*) FROM events WHERE user_id = users.id AND kind IN (${kinds.map(kind => `'${kind}'`)}))`
const mails = (kind: string) => `(SELECT count(*) FROM outbox WHERE user_id = users.id AND kind = '${kind}')`

/** Queries that must return nothing, because one transaction writes all of the rows or none. */
const VIOLATIONS: Record<string, string> = {
  'a session of nobody': 'SELECT id FROM sessions WHERE user_id NOT IN (SELECT id FROM users)',
  'a session without its log in': `SELECT id FROM sessions WHERE NOT EXISTS (SELECT 1 FROM events
    WHERE events.user_id = sessions.user_id AND kind IN ${SUCCESSFUL_LOGINS} AND at = sessions.created_at)`,
  'a session from before the password': `SELECT sessions.id FROM sessions JOIN users ON users.id = user_id
    WHERE sessions.created_at < password_changed_at`,
  'a registration without its mail': `SELECT id FROM pending_registrations WHERE NOT EXISTS
    (SELECT 1 FROM outbox WHERE kind = 'registration' AND recipient = pending_registrations.email)`,
  'a mail for a registration that never was': `SELECT id FROM outbox WHERE kind = 'registration' AND
    recipient NOT IN (SELECT email FROM pending_registrations) AND NOT EXISTS (SELECT 1 FROM events
    WHERE kind = 'registered' AND events.at = outbox.created_at)
    AND NOT EXISTS (SELECT 1 FROM outbox twin JOIN events ON events.at = twin.created_at
    AND events.kind = 'registered' WHERE twin.recipient = outbox.recipient AND twin.kind = 'registration')`,
  'an address both registered and confirmed':
    'SELECT users.id FROM users JOIN pending_registrations AS pending ON pending.email = users.email',
  'an account without its beginning': `SELECT id FROM users
    WHERE ${events('registered')} <> 1 OR ${events('confirmed')} <> 1`,
  'a password without its event': `SELECT id FROM users WHERE password_changed_at <> ${latest(SETS)}`,
  'a new password without its notice': `SELECT id FROM users
    WHERE ${events('password_reset', 'password_changed')} <> ${mails('password_changed')}`,
  'an address without its event or notice': `SELECT id FROM users
    WHERE ${events('email_changed')} <> ${mails('email_changed')}
      OR (email_changed_at IS NULL) <> (${events('email_changed')} = 0)
      OR email_changed_at <> ${latest(`('email_changed')`)}`,
  'half a request for an address': `SELECT id FROM users
    WHERE ${mails('email_change')} <> ${mails('email_change_requested')}`,
  'an arrival without its event': `SELECT id FROM users WHERE last_login_at <> ${latest(SUCCESSFUL_LOGINS)}`,
  'a deletion without its farewell': `SELECT id FROM events WHERE kind = 'deleted' AND NOT EXISTS
    (SELECT 1 FROM outbox WHERE outbox.kind = 'farewell' AND outbox.created_at = events.at)`,
  'history of an account that is gone':
    'SELECT id FROM events WHERE user_id IS NOT NULL AND user_id NOT IN (SELECT id FROM users UNION SELECT id FROM deleted_accounts)',
  'a mail of an account that is gone':
    'SELECT id FROM outbox WHERE user_id IS NOT NULL AND user_id NOT IN (SELECT id FROM users UNION SELECT id FROM deleted_accounts)',
  'a mail in two states': `SELECT id FROM outbox
    WHERE (state = 'queued') <> (finished_at IS NULL) OR (state <> 'queued' AND leased_until IS NOT NULL)`,
  'a mail that was given up': `SELECT id FROM outbox WHERE state NOT IN ('queued', 'sent', 'dropped')`,
}

/** Every violated invariant, in words. */
export async function faultsOf({ query }: Between, provider: Provider): Promise<string[]> {
  const faults: string[] = []
  if (provider === 'sqlite') {
    const integrity = (await query('PRAGMA integrity_check')).map(row => String(row['integrity_check']))
    if (integrity.join() !== 'ok') faults.push(...integrity)
    const orphans = await query('PRAGMA foreign_key_check')
    faults.push(...orphans.map(row => `foreign key: ${JSON.stringify(row)}`))
  }
  for (const [what, sql] of Object.entries(VIOLATIONS)) {
    const rows = await query(sql)
    faults.push(...rows.map(row => `${what}: ${row['id']}`))
  }
  return faults
}

/** Opens the database beside the service. */
export async function openPlain(
  url: string,
  provider: Provider,
): Promise<Between & { close(): Promise<void> }> {
  if (provider === 'sqlite') {
    const client = await openConnection(url)
    return {
      async query(sql) {
        const { columns, rows } = client.run(sql)
        return rows.map(row => Object.fromEntries(columns.map((name, index) => [name, row[index]])))
      },
      close: async () => client.close(),
    }
  }
  const client = new pg.Client({ ...postgresqlConfig(url), application_name: 'between' })
  await client.connect()
  return { query: async sql => (await client.query(sql)).rows, close: () => client.end() }
}

/** Runs a function after the last process and its connections are gone. */
export async function between(url: string, provider: Provider, work: (rows: Between) => Promise<unknown>) {
  const rows = await openPlain(url, provider)
  try {
    if (provider === 'postgresql') {
      // The server finishes a statement that it was executing, and may still commit it.
      const others = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND backend_type = 'client backend'`
      await until('the last connections are gone', async () => (await rows.query(others)).length === 0)
    }
    await work(rows)
  } finally {
    await rows.close()
  }
}
