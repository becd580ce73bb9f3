// Group commit on SQLite: all writes of one turn of the event loop share one transaction and one fsync.
// SQLite has one writer, and an fsync blocks the process.
import { outageOf } from './outage.ts'
import type { Run, Statements, Value } from './sql.ts'
import { isBusy, type ResultSet, type RunNow, type SqliteConnection, timeText } from './sqlite-connection.ts'

interface Job {
  /** Until when it waits for the lock. */
  deadline: number
  /** Returns a function that settles the caller's promise. It is called after the commit. */
  run(run: RunNow, alone: boolean): Promise<() => void>
  reject(error: unknown): void
}

/**
 * Runs work in the next transaction. The promise is fulfilled once the work is durable. Work that fails rolls
 * back without affecting the rest of the batch, unless the disk is full or the file cannot be written.
 */
type Enter = <T>(
  /** Must await nothing but its own statements, which are part of the transaction. */
  work: (run: RunNow) => Promise<T>,
  /** SQLite undoes a single failed statement by itself. */
  options?: { single: boolean },
) => Promise<T>

function groupCommits(connection: SqliteConnection): Enter {
  let waiting: Job[] = []
  let scheduled = false

  async function commitAll() {
    let jobs: Job[] = []
    try {
      const tx = await connection.begin(waiting[0]?.deadline)
      // Includes work that was queued while another transaction was open.
      jobs = take()
      const outcomes: (() => void)[] = []
      try {
        for (const job of jobs) outcomes.push(await job.run(tx.run, jobs.length === 1))
      } catch (error) {
        tx.rollback()
        throw error
      }
      tx.commit()
      for (const settle of outcomes) settle()
    } catch (error) {
      // The lock was not available or the commit failed: nothing is on disk.
      if (jobs.length === 0) jobs = isBusy(error) ? takeOverdue() : take()
      for (const { reject } of jobs) reject(error)
    }
  }

  function take(): Job[] {
    const jobs = waiting
    waiting = []
    scheduled = false
    return jobs
  }

  /** Takes the work that has waited long enough. Later work goes on waiting for the lock. */
  function takeOverdue(): Job[] {
    const now = performance.now()
    const jobs = take()
    waiting = jobs.filter(({ deadline }) => deadline > now)
    if (waiting.length > 0) {
      scheduled = true
      void commitAll()
    }
    return jobs.filter(({ deadline }) => deadline <= now)
  }

  return (work, { single } = { single: false }) =>
    new Promise((resolve, reject) => {
      const runJob: Job['run'] = async (run, alone) => {
        // Nothing else is in the transaction, so the failure rolls it back.
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
          // SQLite may have rolled the transaction back; what follows would commit by itself.
          // https://sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction
          if (outageOf(error) !== undefined) throw error
          if (!single) {
            run('ROLLBACK TO job')
            run('RELEASE job')
          }
          return () => reject(error)
        }
      }
      waiting.push({ deadline: connection.deadline(), run: runJob, reject })
      if (scheduled) return
      scheduled = true
      // After all requests that were read in this turn of the event loop.
      setImmediate(() => void commitAll())
    })
}

// Hot statements bypass Prisma's adapter, whose overhead equals the statement's own cost. A read waits for an
// open transaction, which may still roll back.
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

/** The driver returns times as text. */
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
