/**
 * The disk of the SQLite file fills up under load, or the file may not grow. Writes get a 503 problem, reads are
 * still answered; with free space again the same process writes again, no acknowledged change is lost and the file is
 * intact. A read-only file is reported at the start.
 */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { copyFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { migrate } from '../../../src/database/migrations.ts'
import { emptyDatabase, freshDatabase, providers } from '../../harness/database.ts'
import { emptyFolder, type ServiceProcess, serviceEnvironment, startProcess } from '../../harness/process.ts'
import { openRows } from '../../harness/rows.ts'
import { until } from '../../harness/until.ts'
import { ask } from './load.ts'
import {
  everyLoginHasASession,
  everyRegistrationExists,
  haveNoErrors,
  isConsistent,
  isOverloaded,
  isSuccess,
} from './outage-invariants.ts'
import { startService } from './service.ts'

t.jobs = 2

const PEOPLE = 6
const KIB = 1024
/** Lease of a row that the mail worker has claimed. */
const LEASE_MS = 60_000

/** A mount namespace needs root or a user namespace; its file systems disappear with the process. */
const OWN_MOUNTS = [
  'unshare',
  ...(process.getuid?.() === 0 ? [] : ['--map-root-user']),
  '--mount',
  'sh',
  '-c',
]

/** @throws Error naming the missing package; no other test covers this, so it is not skipped */
function succeeds(name: string, { status, stderr, error }: SpawnSyncReturns<string>) {
  if (status !== 0) throw new Error(`${name} failed; it is in the package util-linux: ${error ?? stderr}`)
}

interface Shortage {
  name: string
  /** The process to start; `folder` will contain the database. */
  through(folder: string): string[]
  begins(service: ServiceProcess, folder: string): void
  ends(service: ServiceProcess, folder: string): void
}

/** Path from inside the namespace, which only the process sees. */
const pathInNamespace = ({ child }: ServiceProcess, path: string) => `/proc/${child.pid}/root${path}`

const shortages: Shortage[] = [
  {
    name: 'the disk is full',
    through: folder => [...OWN_MOUNTS, 'mount -t tmpfs -o size=6m tmpfs "$0" && exec "$@"', folder],
    begins(service, folder) {
      const ballast = pathInNamespace(service, `${folder}/ballast`)
      for (const size of [64 * KIB, KIB]) {
        try {
          for (;;) writeFileSync(ballast, Buffer.alloc(size), { flag: 'a' })
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        }
      }
    },
    ends: (service, folder) => rmSync(pathInNamespace(service, `${folder}/ballast`)),
  },
  {
    name: 'no file may be written beyond its first page',
    // tap preloads a module that ends the process at SIGXFSZ, which Node ignores.
    through: () => ['env', '-u', 'NODE_OPTIONS'],
    begins({ child }) {
      const limit = ['--pid', String(child.pid), `--fsize=${4 * KIB}:`]
      succeeds('prlimit', spawnSync('prlimit', limit, { encoding: 'utf8' }))
    },
    ends({ child }) {
      const limit = ['--pid', String(child.pid), '--fsize=unlimited:']
      succeeds('prlimit', spawnSync('prlimit', limit, { encoding: 'utf8' }))
    },
  },
]

/**
 * The database on disk, copied while nobody writes: SQLite resolves links, and would look for a path in `/proc` where
 * the file system is not mounted.
 */
function openCopy(t: Test, folder: string) {
  const to = emptyFolder(t)
  for (const end of ['', '-wal']) copyFileSync(`${folder}/latchkey.db${end}`, `${to}/latchkey.db${end}`)
  return openRows(t, `file:${to}/latchkey.db`)
}

/** An operator's tool: opens the database beside the service and executes one statement. */
const EXECUTE = `
const { openConnection } = await import(process.argv[1])
const client = await openConnection(process.argv[2])
const transaction = await client.begin()
transaction.run(process.argv[3])
transaction.commit()
client.close()`
const SQLITE_CLIENT = fileURLToPath(new URL('../../../src/database/sqlite.js', import.meta.url))

/** Expires the leases of emails claimed before there was space again, which would last a minute. */
function endLeases({ child }: ServiceProcess, databaseUrl: string, recoveredAt: number) {
  const claimedBefore = new Date(recoveredAt + LEASE_MS).toISOString()
  const sql = `UPDATE outbox SET next_attempt_at = created_at
    WHERE state = 'queued' AND leased_until < '${claimedBefore}'`
  const user = process.getuid?.() === 0 ? [] : ['--user', '--preserve-credentials']
  const tool = [process.execPath, '--input-type=module', '-e', EXECUTE, SQLITE_CLIENT, databaseUrl, sql]
  const options = [...user, '--mount', '--target', String(child.pid)]
  succeeds('nsenter', spawnSync('nsenter', [...options, ...tool], { encoding: 'utf8' }))
}

for (const { name, through, begins, ends } of shortages) {
  t.test(`under load ${name}, then there is space again`, async t => {
    const folder = emptyFolder(t)
    const databaseUrl = `file:${folder}/latchkey.db`
    const { service, smtp, url, crowd } = await startService(t, {
      databaseUrl,
      people: PEOPLE,
      through: through(folder),
    })

    begins(service, folder)
    await until('writes are refused', async () =>
      (await crowd.answers(4 * PEOPLE)).every(({ path, status }) => path === '/me' || status === 503),
    )
    const without = await crowd.answers(8 * PEOPLE)
    t.ok(without.filter(({ path }) => path === '/me').every(isSuccess), 'reads are answered')
    const refused = without.find(isOverloaded)
    t.match(refused?.body, { detail: /cannot be written to/ })
    t.equal((await ask(url, 'GET', '/health/live')).status, 200, 'it lives')

    ends(service, folder)
    const recoveredAt = Date.now()
    await until('all are served again', async () => (await crowd.answers(4 * PEOPLE)).every(isSuccess))
    const ledger = await crowd.stop()
    haveNoErrors(t, ledger.replies, 'from beginning to end')

    await everyLoginHasASession(t, url, ledger)
    endLeases(service, databaseUrl, recoveredAt)
    const mails = (email: string) => smtp.mails.filter(({ to }) => to.includes(email)).length
    await until('all mails have come', () => ledger.registered.every(email => mails(email) > 0))
    t.strictSame(
      ledger.registered.filter(email => mails(email) !== 1),
      [],
      'each registration has one email',
    )
    const copy = await openCopy(t, pathInNamespace(service, folder))
    await everyRegistrationExists(t, copy, ledger)
    const integrity = await copy.client.$queryRawUnsafe('PRAGMA integrity_check')
    t.strictSame(integrity, [{ integrity_check: 'ok' }], 'the file is sound')
    isConsistent(t, service, ledger)
    t.comment(`${ledger.replies.length} answers, ${ledger.replies.filter(isOverloaded).length} of them 503`)
  })
}

/** Starts the service where it must fail, and returns its output. */
async function refusal(t: Test, databaseUrl: string, through: string[]) {
  const service = startProcess(t, { through, env: serviceEnvironment({ DATABASE_URL: databaseUrl }) })
  t.equal(await service.ended(), 1, 'it does not start')
  return service.stderr()
}

t.test('a read-only SQLite file is reported at the start', async t => {
  const folder = emptyFolder(t)
  await migrate(`file:${folder}/latchkey.db`)
  const readOnly = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
  const said = await refusal(t, `file:${folder}/latchkey.db`, [...OWN_MOUNTS, readOnly, folder])
  t.equal(
    said,
    `latchkey cannot start: the database cannot be written to: ${folder}/latchkey.db is read-only for this process (EROFS)\n`,
  )
})

t.test(
  'readiness and log report a read-only PostgreSQL database until it is writable',
  {
    skip: providers.find(({ provider }) => provider === 'postgresql')?.skip ?? false,
  },
  async t => {
    const databaseUrl = await freshDatabase(t)
    const operator = await openRows(t, await emptyDatabase(t))
    const name = new URL(databaseUrl).pathname.slice(1)
    const setReadOnly = (value: 'on' | 'off') =>
      operator.client.$executeRawUnsafe(`ALTER DATABASE ${name} SET default_transaction_read_only = ${value}`)
    await setReadOnly('on')
    const service = startProcess(t, { env: serviceEnvironment({ DATABASE_URL: databaseUrl }) })
    const url = await service.listening()
    const ready = await ask(url, 'GET', '/health/ready')
    t.equal(ready.status, 503)
    t.match(ready.body, {
      code: 'not_ready',
      errors: [{ path: '/database', message: 'cannot be written to' }],
    })
    t.ok(Number(ready.headers['retry-after']) > 0)
    await until('the log says why', () =>
      /cannot execute \w+ in a read-only transaction/.test(service.stdout()),
    )
    await setReadOnly('off')
    await until('it is ready', async () => (await ask(url, 'GET', '/health/ready')).status === 200)
    isConsistent(t, service)
  },
)
