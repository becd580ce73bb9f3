/** Queries named by intent. Decorates the app with `database`. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { type OutageLog, outageLog } from '../shared/outage-log.ts'
import { migrate, migrationState } from './migrations.ts'
import { outageDetail, outageReason } from './outage.ts'
import { apiKeys } from './queries/api-keys.ts'
import { codeAttempts } from './queries/code-attempts.ts'
import { deletions, notices } from './queries/deletions.ts'
import { eventFeed } from './queries/event-feed.ts'
import { events } from './queries/events.ts'
import { expired } from './queries/expired.ts'
import { mailTurns } from './queries/mail-turns.ts'
import { mails } from './queries/mails.ts'
import { managedUsers } from './queries/managed-users.ts'
import { outbox } from './queries/outbox.ts'
import { legacyRegistrations, registrations } from './queries/registrations.ts'
import { sessions } from './queries/sessions.ts'
import { users } from './queries/users.ts'
import { type OpenDatabase, type Provider, providerOf } from './sql.ts'

export type { OpenDatabase, Provider }

declare module 'fastify' {
  interface FastifyInstance {
    database: Database
  }
}

/** Queries by what they are about. */
export type Queries = ReturnType<typeof queriesOf>

export interface Database extends Queries {
  provider: Provider
  /** Logs the start and the end of an outage. It hears of an end by the outbox poll and the readiness probe. */
  outage: OutageLog
  /** Throws if the database is not writable. Writes nothing. */
  assertWritable(): Promise<unknown>
  /** Names of migrations that this build has and the database lacks. */
  pendingMigrations(): Promise<string[]>
}

interface OpenOptions {
  /** Milliseconds that a write on SQLite waits for another process. */
  busyTimeout?: number
  /** Called once with the timeouts that the role of a PostgreSQL behind a pooler lacks. */
  onUnlimited?: (names: string[]) => void
}

/**
 * Opens the database, without migrating it. On SQLite, creates a missing file and folder. On PostgreSQL, the
 * first query connects, so this succeeds while the server is down.
 * @param databaseUrl `file:…` or `postgresql://…`
 * @throws Error for another scheme, or a file that cannot be opened
 */
export async function openDatabase(
  databaseUrl: string,
  { busyTimeout, onUnlimited }: OpenOptions = {},
): Promise<OpenDatabase> {
  // Loads only one of the two drivers.
  if (providerOf(databaseUrl) === 'sqlite') {
    const { openSqlite } = await import('./sqlite.ts')
    return openSqlite(databaseUrl, busyTimeout)
  }
  const { openPostgresql } = await import('./postgresql.ts')
  return openPostgresql(databaseUrl, onUnlimited)
}

/** The queries on an open database, for the app and for the command line. */
export function queriesOf({ client, statements }: OpenDatabase) {
  return {
    users: users(client, statements),
    registrations: registrations(client, statements),
    legacyRegistrations: legacyRegistrations(client),
    sessions: sessions(client, statements),
    outbox: outbox(statements),
    mailTurns: mailTurns(statements),
    mails: mails(statements),
    events: events(client, statements),
    eventFeed: eventFeed(statements),
    apiKeys: apiKeys(client, statements),
    managedUsers: managedUsers(client, statements),
    notices: notices(client, statements),
    deletions: deletions(client),
    codeAttempts: codeAttempts(client),
    expired: expired(statements),
  }
}

/** Needs write permission but matches no row: a probe must not write every second. */
const CHANGE_NOTHING = `UPDATE leases SET holder = holder WHERE id = ''`

async function database(app: FastifyInstance) {
  let isLogged = false
  function logNewer(migrations: string[]) {
    if (migrations.length === 0 || isLogged) return
    isLogged = true
    app.log.warn({ migrations }, 'a later release has migrated the database further; this release continues')
  }

  const url = app.config.DATABASE_URL
  // The embedded file belongs to this process. Migrating a server is a deployment step.
  if (providerOf(url) === 'sqlite') logNewer((await migrate(url)).newer)
  const opened = await openDatabase(url, {
    onUnlimited: names =>
      app.log.warn(
        { limits: names },
        'the role of DATABASE_URL has no time limits, and through a pooler the service can set none: ALTER ROLE … SET',
      ),
  })
  const { statements, provider, close } = opened
  app.addHook('onClose', close)

  app.decorate('database', {
    provider,
    outage: outageLog(
      app.log.child({ part: 'database' }),
      { failed: 'the database cannot be used', worked: 'the database can be used again' },
      error => {
        const { reason = 'fails', outage } = outageReason(error) ?? {}
        return { reason, detail: outageDetail(error), ...(outage && { kind: outage }) }
      },
    ),
    ...queriesOf(opened),
    assertWritable: () => statements.change(CHANGE_NOTHING, []),
    async pendingMigrations() {
      const { pending, newer } = await migrationState(sql => statements.read(sql, []), provider)
      logNewer(newer)
      return pending
    },
  })
}

export default fp(database, { name: 'database' })
