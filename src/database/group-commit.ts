/**
 * Hot statements on SQLite, and group commit: what is asked to be written in one turn of the event loop is written in one
 * transaction, with one `fsync` for all of it. SQLite has one writer, so else each would wait for the
 * fsyncs of all before it, and this process with them: they block its one thread.
 */
import { outageOf } from './outage.ts'
import type { Run, Statements, Value } from './sql.ts'
import { timeText } from './sqlite-adapter.ts'
import type { ResultSet, RunNow, SqliteConnection } from './sqlite-connection.ts'

interface Job {
  /** Does the work; resolves to what tells whoever asked, once it is durable or is known not to be. */
  run(run: RunNow, alone: boolean): Promise<() => void>
  reject(error: unknown): void
}

/**
 * Runs work in the next transaction. It is durable when the promise is fulfilled; where it fails, it
 * leaves nothing and the others of the group are none the worse, unless the disk is full or the file cannot be
 * written: then all fail.
 */
type Enter = <T>(
  /** Waits for nothing but its own statements, which are a part of the transaction. */
  work: (run: RunNow) => Promise<T>,
  /** One statement is undone by SQLite itself where it fails. */
  options?: { single: boolean },
) => Promise<T>

/** @param connection that Prisma's transactions take turns on as well */
function groupCommits(connection: SqliteConnection): Enter {
  let waiting: Job[] = []
  let scheduled = false

  async function commitAll() {
    let jobs: Job[] = []
    try {
      const tx = await connection.begin()
      // Whoever came while another transaction was under way is taken along.
      jobs = take()
      const outcomes: (() => void)[] = []
      try {
        for (const job of jobs) outcomes.push(await job.run(tx.run, jobs.length === 1))
      } catch (error) {
        tx.rollback()
        throw error
      }
      tx.commit()
      for (const tell of outcomes) tell()
    } catch (error) {
      // The lock could not be had, or the commit failed: nothing is on disk.
      for (const { reject } of jobs.length > 0 ? jobs : take()) reject(error)
    }
  }

  function take(): Job[] {
    const jobs = waiting
    waiting = []
    scheduled = false
    return jobs
  }

  return (work, { single } = { single: false }) =>
    new Promise((resolve, reject) => {
      const runJob: Job['run'] = async (run, alone) => {
        // There is nobody to spare: what fails undoes the transaction, which is its own.
        if (alone) {
          const result = await work(run)
          return () => resolve(result)
        }
        if (!single) run('SAVEPOINT job')
        try {
          const result = await work(run)
          if (!single) run('RELEASE job')
          return () => resolve(result)
        } catch (error) {
          // SQLite has undone the whole transaction, or may have: what comes after would be committed by itself.
          // https://sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction
          if (outageOf(error) !== undefined) throw error
          if (!single) {
            run('ROLLBACK TO job')
            run('RELEASE job')
          }
          return () => reject(error)
        }
      }
      waiting.push({ run: runJob, reject })
      if (scheduled) return
      scheduled = true
      // After all requests that this turn of the loop has read.
      setImmediate(() => void commitAll())
    })
}

/**
 * Hot statements go past Prisma's adapter, whose promises and guesses at types cost as much as the statement. A read
 * waits for the end of the transaction that is open, if one is: what it would see of it may yet be undone.
 */
export function sqliteStatements(connection: SqliteConnection): Statements {
  const enter = groupCommits(connection)
  const runBy =
    (run: RunNow): Run =>
    async <Row>(sql: string, values: readonly Value[]) =>
      rowsOf<Row>(run(sql, values.map(stored)))
  return {
    provider: 'sqlite',
    read: <Row>(sql: string, values: readonly Value[]) =>
      connection.alone(() => rowsOf<Row>(connection.run(sql, values.map(stored)))),
    change: (sql, values) => enter(run => runBy(run)(sql, values), { single: true }),
    changeAll: changes =>
      enter(async run => {
        for (const [sql, values] of changes) run(sql, values.map(stored))
      }),
    transaction: work => enter(run => work(runBy(run))),
  }
}

const stored = (value: Value) => (value instanceof Date ? timeText(value) : value)

/** Rows as the models have them; the driver has times as text. */
function rowsOf<Row>({ columns, columnTypes, rows }: ResultSet): Row[] {
  return rows.map(values => {
    const row: Record<string, unknown> = {}
    for (let i = 0; i < columns.length; i++) {
      const value = values[i]
      const isTime = value !== null && columnTypes[i] === 'DATETIME'
      row[columns[i] as string] = isTime ? new Date(value as string) : value
    }
    return row as Row
  })
}
