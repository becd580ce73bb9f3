// Reads the database directly.
import { openDatabase } from '../../src/database/index.ts'
import type { Provider, Run } from '../../src/database/sql.ts'
import type { PrismaClient } from '../../src/generated/sqlite/client.ts'
import type { Teardown } from './database.ts'
import { until } from './until.ts'

export interface Rows {
  client: PrismaClient
  /** Reads without Prisma, for tests that poll often. */
  read: Run
  dump(): Promise<Record<'users' | 'registrations' | 'sessions' | 'outbox', object[]>>
  /** Numbers of rows about an email. */
  countsOf(email: string): Promise<{ users: number; registrations: number; sessions: number; mails: number }>
  /**
   * Waits until no email is queued.
   *
   * @throws Error after 10 s
   */
  settled(): Promise<void>
  disable(email: string): Promise<unknown>
  enable(email: string): Promise<unknown>
  empty(): Promise<void>
}

/** Opens the database of an app. */
export async function openRows(t: Teardown, databaseUrl: string): Promise<Rows> {
  const { provider, client, statements, close } = await openDatabase(databaseUrl)
  t.teardown(close)
  return {
    client,
    read: statements.read,
    async dump() {
      return {
        users: await client.user.findMany({ orderBy: { id: 'asc' } }),
        registrations: await client.registration.findMany({ orderBy: { id: 'asc' } }),
        sessions: await client.session.findMany({ orderBy: { id: 'asc' } }),
        outbox: await client.outbox.findMany({ orderBy: { id: 'asc' } }),
      }
    },
    async countsOf(email) {
      return {
        users: await client.user.count({ where: { email } }),
        registrations: await client.registration.count({ where: { email } }),
        sessions: await client.session.count({ where: { user: { email } } }),
        mails: await client.outbox.count({ where: { recipient: email } }),
      }
    },
    async settled() {
      const queued = () => client.outbox.count({ where: { state: 'queued' } })
      await until('no mail is queued', async () => (await queued()) === 0)
    },
    disable: email => client.user.update({ where: { email }, data: { disabledAt: new Date() } }),
    async empty() {
      const tables = await statements.read<{ name: string }>(TABLES[provider], [])
      await statements.transaction(async run => {
        for (const sql of EMPTYING[provider](tables.map(({ name }) => name))) await run(sql, [])
      })
    },
    enable: email => client.user.update({ where: { email }, data: { disabledAt: null } }),
  }
}

/** All tables except the migrations. */
const TABLES: Record<Provider, string> = {
  sqlite: `SELECT name FROM sqlite_master
    WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> '_prisma_migrations'`,
  postgresql: `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_prisma_migrations'`,
}

const deletions = (tables: string[]) => tables.map(name => `DELETE FROM "${name}"`)

// PostgreSQL without triggers and foreign keys. TRUNCATE would create a file for each table and index.
const EMPTYING: Record<Provider, (tables: string[]) => string[]> = {
  sqlite: deletions,
  postgresql: tables => [
    `DO $$ BEGIN SET LOCAL session_replication_role = replica; ${deletions(tables).join('; ')}; END $$`,
  ],
}
