/**
 * One row into the outbox by the driver itself, as durable as the service has it: the same pragmas on
 * SQLite, `synchronous_commit` as the server has it on PostgreSQL.
 */
import pg from 'pg'
import { v7 as uuidv7 } from 'uuid'
import { postgresqlConfig } from '../../src/database/postgresql.ts'
import { providerOf } from '../../src/database/sql.ts'
import { openConnection } from '../../src/database/sqlite.ts'

const COLUMNS = '(id, kind, recipient, state, attempts, next_attempt_at, created_at)'

/**
 * Opens a migrated database.
 *
 * @returns inserts a row for a recipient and resolves when it is on disk
 */
export async function openInsert(databaseUrl: string): Promise<(recipient: string) => Promise<unknown>> {
  const values = (recipient: string, now = new Date().toISOString()) => [
    uuidv7(),
    'reset_request',
    recipient,
    'queued',
    0,
    now,
    now,
  ]
  if (providerOf(databaseUrl) === 'sqlite') {
    const client = await openConnection(databaseUrl)
    const sql = `INSERT INTO outbox ${COLUMNS} VALUES (?, ?, ?, ?, ?, ?, ?)`
    return async recipient => client.run(sql, values(recipient))
  }
  const pool = new pg.Pool(postgresqlConfig(databaseUrl))
  const text = `INSERT INTO outbox ${COLUMNS} VALUES ($1, $2, $3, $4, $5, $6, $7)`
  return recipient => pool.query({ name: 'insert', text, values: values(recipient) })
}
