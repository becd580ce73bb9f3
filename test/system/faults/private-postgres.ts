/** A private PostgreSQL that tests may stop, kill and hang. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { migrate } from '../../../src/database/migrations.ts'
import type { Teardown } from '../../harness/database.ts'
import { freePort } from '../../harness/free-port.ts'
import { until } from '../../harness/until.ts'

export interface PostgresServer {
  /** Of a migrated database. */
  url: string
  /**
   * Stops it and waits for its end. `fast` ends connections and rolls back; `immediate` is a crash: nothing more is
   * written and the next start recovers from the WAL.
   */
  stop(how: 'fast' | 'immediate'): Promise<void>
  /** Starts it again and waits until it responds. */
  start(): Promise<void>
  /** Hangs it with all its processes: the kernel accepts connections and nothing responds. */
  pause(): void
  resume(): void
  /** Runs one statement as a superuser, on a separate connection. */
  run(sql: string): Promise<void>
}

/** Debian's folders, one per version, and the PATH. */
const PROGRAMS = '/usr/lib/postgresql'
const OWNER = 'postgres'
const SIGNALS = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const

/** @throws Error naming the package to install; no other test covers this, so it is not skipped */
function programs(): string {
  const versions = existsSync(PROGRAMS) ? readdirSync(PROGRAMS).map(Number).filter(Boolean) : []
  const newest = versions.sort((a, b) => b - a)[0]
  if (newest !== undefined && existsSync(`${PROGRAMS}/${newest}/bin/postgres`))
    return `${PROGRAMS}/${newest}/bin`
  const found = spawnSync('pg_config', ['--bindir'], { encoding: 'utf8' }).stdout?.trim()
  if (found && existsSync(`${found}/postgres`)) return found
  throw new Error('these tests start a PostgreSQL of their own: install the package postgresql')
}

/** It refuses to run as root. (Through runuser it could not be hung, because runuser stops itself with its child.) */
export function serverOwner(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const id = (which: string) => Number(spawnSync('id', [which, OWNER], { encoding: 'utf8' }).stdout || 'none')
  const [uid, gid] = [id('-u'), id('-g')]
  if (Number.isNaN(uid) || Number.isNaN(gid))
    throw new Error(`there is no user ${OWNER} to run PostgreSQL as`)
  return { uid, gid }
}

/** Creates a cluster with a migrated database and starts it; it is killed and removed with the test. */
export async function startPostgres(t: Teardown): Promise<PostgresServer> {
  const bin = programs()
  const parent = mkdtempSync(join(tmpdir(), 'latchkey-postgres-'))
  chmodSync(parent, 0o777)
  const folder = join(parent, 'data')
  const port = await freePort()
  let child: ChildProcess | undefined

  // Durable as in production, because these tests check whether an acknowledged change is lost.
  const made = spawnSync(
    `${bin}/initdb`,
    ['-D', folder, '-U', OWNER, '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'],
    { encoding: 'utf8', ...serverOwner() },
  )
  if (made.status !== 0) {
    rmSync(parent, { recursive: true, force: true })
    throw new Error(`initdb failed: ${made.error?.message ?? made.stderr}`)
  }

  const urlOf = (database: string) => `postgresql://${OWNER}@127.0.0.1:${port}/${database}`

  async function run(sql: string, database = OWNER) {
    const client = new pg.Client({ connectionString: urlOf(database), connectionTimeoutMillis: 5000 })
    client.on('error', () => {})
    await client.connect()
    try {
      await client.query(sql)
    } finally {
      await client.end()
    }
  }

  async function start() {
    const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${parent}`]
    const options = ['-D', folder, ...settings.flatMap(one => ['-c', one])]
    const started = spawn(`${bin}/postgres`, options, { stdio: 'ignore', ...serverOwner() })
    child = started
    await until('PostgreSQL answers', async () => {
      if (started.exitCode !== null) throw new Error(`postgres ended with ${started.exitCode}`)
      return run('SELECT 1').then(
        () => true,
        () => false,
      )
    })
  }

  function signalAll(signal: NodeJS.Signals) {
    const server = child?.pid
    if (server === undefined) return
    // Its children have no children of their own.
    const children = readFileSync(`/proc/${server}/task/${server}/children`, 'utf8')
    for (const pid of [server, ...children.split(' ').filter(Boolean).map(Number)]) {
      try {
        process.kill(pid, signal)
      } catch (error) {
        // A process that has ended by itself.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    }
  }

  async function stop(how: keyof typeof SIGNALS) {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    signalAll('SIGCONT')
    child.kill(SIGNALS[how])
    await ended
  }

  t.teardown(async () => {
    await stop('immediate')
    rmSync(parent, { recursive: true, force: true })
  })
  await start()
  await run('CREATE DATABASE accounts')
  await migrate(urlOf('accounts'))
  return {
    url: urlOf('accounts'),
    stop,
    start,
    pause: () => signalAll('SIGSTOP'),
    resume: () => signalAll('SIGCONT'),
    run,
  }
}
