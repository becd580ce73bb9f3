import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { openDatabase } from '../../../src/database/index.ts'
import { outageDetail, outageOf, outageReason } from '../../../src/database/outage.ts'
import { confirmedAccount, startApp } from '../../harness/app.ts'
import {
  type Certificate,
  type CertificateOptions,
  selfSignedCertificate,
} from '../../harness/certificates/self-signed.ts'
import { freshDatabase, providers } from '../../harness/database.ts'
import { postgresGate } from '../../harness/postgres-gate.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { openRows } from '../../harness/rows.ts'

const skip = providers.find(({ provider }) => provider === 'postgresql')?.skip ?? false

/** The error of a first query, through Prisma and by hand-written SQL. */
async function errorOf(t: Test, url: string): Promise<unknown[]> {
  const { client, statements, close } = await openDatabase(url)
  t.teardown(close)
  const caught = (query: Promise<unknown>) =>
    query.then(
      () => undefined,
      (error: unknown) => error,
    )
  return [
    await caught(client.$queryRawUnsafe('SELECT 1')),
    await caught(statements.read('SELECT 1 AS one', [])),
    await caught(statements.transaction(run => run('SELECT 1 AS one', []))),
  ]
}

async function isNamed(t: Test, name: string, url: string, expected: RegExp, detail = /./) {
  for (const error of await errorOf(t, url)) {
    t.match(outageReason(error)?.reason ?? String(error), expected, name)
    t.match(outageDetail(error), detail, `${name}: in detail`)
  }
}

t.test('a refused connection names its reason', async t => {
  const gate = await postgresGate(t)
  const cases: [string, string, RegExp][] = [
    ['28P01', 'password authentication failed for user "ada"', /^refuses the user name or password$/],
    ['28000', 'role "ada" is not permitted to log in', /NOLOGIN/],
    [
      '28000',
      'no pg_hba.conf entry for host "10.0.0.1", user "ada", database "x", no encryption',
      /demands TLS/,
    ],
    [
      '28000',
      'no pg_hba.conf entry for host "10.0.0.1", user "ada", database "x", SSL encryption',
      /no entry/,
    ],
    ['3D000', 'database "accounts" does not exist', /does not exist/],
    ['42501', 'permission denied for database "accounts"', /^refuses the connection$/],
    ['53300', 'sorry, too many clients already', /no connection left/],
    ['57P03', 'the database system is starting up', /starting/],
    ['08P01', 'unsupported startup parameter: statement_timeout', /pgbouncer=true/],
    ['08006', 'connection failure', /does not answer/],
    ['XX000', 'something of a pooler', /^refuses the connection$/],
  ]
  for (const [sqlstate, message, expected] of cases) {
    gate.refuse(sqlstate, message)
    await isNamed(t, sqlstate, gate.url, expected, new RegExp(`^${sqlstate} ${message.slice(0, 10)}`))
  }
})

/** Accepts PostgreSQL's SSLRequest with `S` and then speaks TLS. */
const speakTls = (certificate: Certificate) => (socket: Socket) =>
  socket.once('data', () => {
    socket.write('S', () => {
      const secureContext = createSecureContext(certificate)
      new TLSSocket(socket, { isServer: true, secureContext }).on('error', () => {})
    })
  })

t.test('a TLS failure names its reason', async t => {
  const gate = await postgresGate(t)
  const url = `${gate.url}?sslmode=verify-full`
  gate.hand(socket => socket.once('data', () => socket.write('N')))
  await isNamed(t, 'no TLS', url, /does not support TLS \(see sslmode\)/)
  gate.hand(speakTls(selfSignedCertificate()))
  await isNamed(t, 'another CA', url, /CA that is not trusted/)
  const cases: [CertificateOptions, RegExp][] = [
    [{ name: 'db.internal' }, /names another host/],
    [{ days: -1 }, /has expired/],
  ]
  for (const [options, expected] of cases) {
    const certificate = selfSignedCertificate(options)
    const folder = t.testdir({ 'ca.pem': certificate.cert })
    gate.hand(speakTls(certificate))
    await isNamed(t, JSON.stringify(options), `${url}&sslrootcert=${folder}/ca.pem`, expected)
  }
})

t.test('an unresolved host and a missing socket have reasons of their own', async t => {
  await isNamed(t, 'no address', 'postgresql://ada@db.invalid/accounts', /host name/)
  await isNamed(t, 'no socket', `postgresql:///accounts?host=${t.testdir({})}&user=ada`, /no socket/)
})

t.test('readiness and log name the reason, and responses are 503', async t => {
  const gate = await postgresGate(t)
  gate.refuse('28P01', 'password authentication failed for user "ada"')
  const { app, log } = await startApp(t, { databaseUrl: gate.url.replace('ada@', 'ada:geheim@') })
  const ready = isProblemOf(t, await app.inject('/health/ready'), 'not_ready')
  t.strictSame(ready.errors, [{ path: '/database', message: 'refuses the user name or password' }])
  const payload = { email: 'nobody@example.org', password: 'a password for nobody' }
  const answer = await app.inject({ method: 'POST', url: '/login', payload })
  isProblemOf(t, answer, 'overloaded')
  t.equal(answer.headers['retry-after'], '10')
  t.notMatch(answer.body, /ada|password authentication/)
  t.match(
    log.filter(({ level }) => level === 50),
    [{ reason: 'refuses the user name or password', detail: /^28P01 / }],
  )
  t.notMatch(JSON.stringify(log), /geheim/)
})

t.test('a missing database and a role without LOGIN are named by a real server', { skip }, async t => {
  const url = new URL(await freshDatabase(t, 'postgresql'))
  const { client } = await openRows(t, url.href)
  const role = `latchkey_nologin_${process.pid}`
  await client.$executeRawUnsafe(`CREATE ROLE ${role} NOLOGIN`)
  t.teardown(() => client.$executeRawUnsafe(`DROP ROLE ${role}`))
  const other = new URL(url)
  other.username = role
  await isNamed(t, 'NOLOGIN', other.href, /NOLOGIN/, /^28000 /)
  url.pathname = '/nowhere'
  await isNamed(t, 'missing', url.href, /does not exist/, /^3D000 /)
})

t.test('the date style of a server, database or role changes nothing', { skip }, async t => {
  const databaseUrl = await freshDatabase(t, 'postgresql')
  const { client } = await openRows(t, databaseUrl)
  const name = new URL(databaseUrl).pathname.slice(1)
  await client.$executeRawUnsafe(`ALTER DATABASE ${name} SET datestyle = 'German, DMY'`)
  const service = await startApp(t, { databaseUrl })
  const { accessToken, email } = await confirmedAccount(service)
  const me = await service.app.inject({ url: '/me', headers: { authorization: `Bearer ${accessToken}` } })
  t.match(me.json(), { email, createdAt: /^20\d\d-/ })
})

t.test(
  'prepared statements are named by a hash of their text, the same in every process',
  { skip },
  async t => {
    const { statements, close } = await openDatabase(
      `${await freshDatabase(t, 'postgresql')}?connection_limit=1`,
    )
    t.teardown(close)
    const texts = ['SELECT 1 AS one', 'SELECT 2 AS two']
    for (const text of texts) await statements.read(text, [])
    const prepared =
      'SELECT name, statement FROM pg_prepared_statements WHERE statement LIKE $1 ORDER BY statement'
    t.strictSame(
      await statements.read(prepared, ['SELECT _ AS %']),
      texts.map(statement => ({
        name: `latchkey_${createHash('sha256').update(statement).digest('hex').slice(0, 32)}`,
        statement,
      })),
    )
  },
)

t.test('timeouts of the server are outages', { skip }, async t => {
  const url = `${await freshDatabase(t, 'postgresql')}?lock_timeout=50&statement_timeout=200`
  const { statements, client, close } = await openDatabase(url)
  t.teardown(close)
  const outcome = (work: Promise<unknown>) => work.then(() => 'done', outageOf)
  t.equal(await outcome(statements.read('SELECT pg_sleep(5)', [])), 'away')
  t.equal(await outcome(client.$queryRawUnsafe('SELECT pg_sleep(5)::text')), 'away')
  await statements.transaction(async run => {
    await run('LOCK TABLE guesses', [])
    t.equal(await outcome(statements.read('SELECT * FROM guesses', [])), 'away')
    t.equal(await outcome(client.guess.findMany()), 'away')
  })
})

t.test('a connection that the server ends, and a transaction that Prisma gives up, are outages', async t => {
  // Serialization failure, idle transaction, database dropped, idle session.
  for (const code of ['40001', '25P03', '57P04', '57P05']) {
    t.equal(outageOf({ severity: 'ERROR', code, message: '' }), 'away', code)
  }
  for (const code of ['P2024', 'P2028']) t.equal(outageOf({ code }), 'away', code)
})
