/** What is in the database, read past the service. */
import { openDatabase } from '../../src/database/index.ts'
import type { Provider, Run } from '../../src/database/sql.ts'
import type { PrismaClient } from '../../src/generated/sqlite/client.ts'
import type { Teardown } from './database.ts'
import { until } from './until.ts'

export interface Rows {
  client: PrismaClient
  /** Reads by hand, where a test asks so often that Prisma's own work would show. */
  read: Run
  /** Every row of every table. */
  dump(): Promise<Record<'users' | 'registrations' | 'sessions' | 'outbox', object[]>>
  /** How many rows of each kind speak of an address. */
  countsOf(email: string): Promise<{ users: number; registrations: number; sessions: number; mails: number }>
  /**
   * Waits until no mail is queued any more, so that what did not come by now does not come at all.
   *
   * @throws Error after 10 s
   */
  settled(): Promise<void>
  /** Disables an account, as an operator would. */
  disable(email: string): Promise<unknown>
  /** Enables it again. */
  enable(email: string): Promise<unknown>
  /** Deletes every row. */
  empty(): Promise<void>
}

/** Opens the database that an app works on; it closes when the test ends. */
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

/** The names of all tables but that of the migrations. */
const TABLES: Record<Provider, string> = {
  sqlite: `SELECT name FROM sqlite_master
    WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> '_prisma_migrations'`,
  postgresql: `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_prisma_migrations'`,
}

const EMPTYING: Record<Provider, (tables: string[]) => string[]> = {
  sqlite: tables => tables.map(name => `DELETE FROM "${name}"`),
  postgresql: tables => [`TRUNCATE ${tables.map(name => `"${name}"`).join(', ')}`],
}
