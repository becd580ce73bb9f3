/** Opens the database of a service that may be running. Never creates or migrates it. */
import { existsSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import { loadDatabaseUrl } from '../config/config.ts'
import { openDatabase, type Queries, queriesOf } from '../database/index.ts'
import { migrationState } from '../database/migrations.ts'
import { outageDetail, outageReason } from '../database/outage.ts'
import { sqlitePath } from '../shared/sqlite-url.ts'
import { type CommandError, commandError, EXIT } from './command.ts'

export interface OpenedQueries {
  queries: Queries
  close(): Promise<void>
  /** Names of migrations that only a later release knows. */
  newer: string[]
}

/**
 * @param env with DATABASE_URL, in which empty values count as absent
 * @throws {CommandError} if there is no database, or it lacks migrations
 */
export async function openQueries(env: NodeJS.ProcessEnv): Promise<OpenedQueries> {
  const url = loadDatabaseUrl(env)
  if (url.startsWith('file:')) await assertExists(url, env)
  const opened = await openDatabase(url).catch(error => {
    throw commandError(
      EXIT.database,
      'database_unavailable',
      `The database cannot be opened: ${error.message}.`,
    )
  })
  try {
    const { read } = opened.statements
    const { pending, newer } = await migrationState(sql => read(sql, []), opened.provider)
    if (pending.length > 0) {
      const message = `The database lacks migrations: ${pending.join(', ')}. Start this release, or run latchkey migrate.`
      throw commandError(EXIT.database, 'database_not_migrated', message)
    }
    return { queries: queriesOf(opened), close: opened.close, newer }
  } catch (error) {
    await opened.close()
    throw error
  }
}

/** SQLite would create the file, and the command would find no accounts. */
async function assertExists(url: string, env: NodeJS.ProcessEnv) {
  const path = sqlitePath(url)
  if (existsSync(path)) return
  const why = env['DATABASE_URL']?.trim() ? '' : ' (DATABASE_URL is not set)'
  const advice = isAbsolute(path)
    ? 'Set DATABASE_URL to the one of the service.'
    : 'Run the command in the folder of the service, or set DATABASE_URL.'
  const message = `There is no database at ${resolve(path)}${why}. ${advice}`
  throw commandError(EXIT.database, 'database_unavailable', message)
}

/** The failure to report for an error of the database; undefined for other errors. */
export function databaseFailure(error: unknown): CommandError | undefined {
  const outage = outageReason(error)
  if (outage === undefined) return undefined
  const detail = outageDetail(error)
  const message = `The database ${outage.reason}. Check the server and DATABASE_URL, then repeat the command.`
  return commandError(EXIT.database, 'database_unavailable', detail ? `${message} (${detail})` : message)
}
