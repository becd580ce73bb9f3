/** A private PgBouncer in front of a PostgreSQL. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { Teardown } from '../../harness/database.ts'
import { freePort } from '../../harness/free-port.ts'
import { until } from '../../harness/until.ts'
import { serverOwner } from './private-postgres.ts'

/** Debian installs it outside of the PATH of normal users. */
const PROGRAM = '/usr/sbin/pgbouncer'

/**
 * Starts PgBouncer; it ends with the test.
 *
 * @param target URL of the database, whose user needs no password
 * @param settings of pgbouncer.ini, besides those of the listener
 * @returns the URL of the same database through PgBouncer
 * @throws Error naming the package to install
 */
export async function startPgBouncer(
  t: Teardown,
  target: string,
  settings: Record<string, string | number>,
): Promise<string> {
  if (!existsSync(PROGRAM)) throw new Error('these tests start a PgBouncer: install the package pgbouncer')
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-pgbouncer-'))
  chmodSync(folder, 0o755)
  const url = new URL(target)
  const port = await freePort()
  const ini = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'trust',
    auth_file: join(folder, 'users'),
    ...settings,
  }
  writeFileSync(join(folder, 'users'), `"${url.username}" ""\n`)
  writeFileSync(
    join(folder, 'pgbouncer.ini'),
    `[databases]\n* = host=${url.hostname} port=${url.port}\n[pgbouncer]\n${Object.entries(ini)
      .map(([name, value]) => `${name} = ${value}\n`)
      .join('')}`,
  )
  // It refuses to run as root, as PostgreSQL does.
  const child = spawn(PROGRAM, [join(folder, 'pgbouncer.ini')], { stdio: 'ignore', ...serverOwner() })
  const ended = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true, force: true })
  })
  url.port = String(port)
  await until('PgBouncer answers', async () => {
    if (child.exitCode !== null) throw new Error(`pgbouncer ended with ${child.exitCode}`)
    const client = new pg.Client({ connectionString: url.href })
    client.on('error', () => {})
    return client.connect().then(
      () => client.end().then(() => true),
      () => false,
    )
  })
  return url.href
}
