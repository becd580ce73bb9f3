import t from 'tap'
import { postgresqlConfig } from '../../../src/database/postgresql.ts'
import {
  clientConfig,
  describePostgresqlUrl,
  parsePostgresqlUrl,
  postgresqlUrlProblem,
} from '../../../src/shared/postgresql-url.ts'

const config = (url: string) => ({ ...clientConfig(parsePostgresqlUrl(url)) }) as Record<string, unknown>

t.test('a URL is parsed in the forms that libpq accepts', async t => {
  const cases: [string, Record<string, unknown>][] = [
    ['postgresql://', {}],
    ['postgres://db.internal', { host: 'db.internal' }],
    ['postgresql://db.internal/accounts', { host: 'db.internal', database: 'accounts' }],
    [
      'postgresql://ada:p%40ss%2Fw%3A%25@db:6432/my%20db',
      { host: 'db', port: 6432, user: 'ada', password: 'p@ss/w:%', database: 'my db' },
    ],
    ['postgresql://ada@db/accounts?', { host: 'db', user: 'ada', database: 'accounts' }],
    ['postgresql:///accounts?host=/run/postgresql', { host: '/run/postgresql', database: 'accounts' }],
    [
      'postgresql://ada:geheim@/accounts?host=/run/postgresql&port=5433',
      { host: '/run/postgresql', port: 5433, user: 'ada', password: 'geheim', database: 'accounts' },
    ],
    ['postgresql://%2Frun%2Fpostgresql/accounts', { host: '/run/postgresql', database: 'accounts' }],
    ['postgresql://[::1]:5433/accounts', { host: '::1', port: 5433, database: 'accounts' }],
    ['postgresql://ada@[2001:db8::1]/accounts', { host: '2001:db8::1', user: 'ada', database: 'accounts' }],
    [
      'postgresql://db?user=ada%40tenant&password=x%26y&dbname=accounts',
      { host: 'db', user: 'ada@tenant', password: 'x&y', database: 'accounts' },
    ],
    [
      'postgresql://db/a?options=-c%20search_path=x&application_name=me',
      { options: '-c search_path=x', application_name: 'me' },
    ],
    ['postgresql://db/a?statement_timeout=0', { statement_timeout: '0' }],
    ['postgresql://db/a?connect_timeout=10', { connectionTimeoutMillis: 10_000 }],
    ['postgresql://db/a?sslmode=disable', { ssl: false }],
    ['postgresql://db/a?sslmode=require', { ssl: {} }],
    ['postgresql://db/a?sslmode=no-verify', { ssl: { rejectUnauthorized: false } }],
    ['postgresql://db/a?sslmode=verify-full&sslrootcert=system', { ssl: {} }],
    ['postgresql://db/a?channel_binding=require', { enableChannelBinding: true }],
  ]
  for (const [url, expected] of cases) {
    t.equal(postgresqlUrlProblem(url), undefined, url)
    t.match(config(url), expected, url)
  }
  t.notOk('ssl' in config('postgresql://db/a'), 'PGSSLMODE counts where the URL says nothing')
  const folder = t.testdir({ 'ca.pem': 'a certificate' })
  t.match(config(`postgresql://db/a?sslrootcert=${folder}/ca.pem`), { ssl: { ca: 'a certificate' } })
})

t.test('an incomplete URL is refused, and no part of its password is repeated', async t => {
  const password = ['geheim', 'niss']
  const broken: [string, RegExp][] = [
    ...['@', '/', '?', '#', '%', '%zz', '@/', '?a=', '/@', '#@'].map(
      mark =>
        [`postgresql://ada:geheim${mark}niss@db.internal/accounts`, /percent-encoded/] as [string, RegExp],
    ),
    ['postgresql://ada:1@niss@db/accounts', /percent-encoded/],
    ['postgresql://ada:1/niss@db/accounts', /percent-encoded/],
    ['postgresql://ada:1#niss@db/accounts', /percent-encoded/],
    ['postgresql://ada:geheim@::1/accounts', /percent-encoded/],
    ['postgresql://ada:geheim@db:geheim/accounts', /percent-encoded/],
    ['postgresql://ada:geheim@db:99999/accounts', /port/],
    ['postgresql://ada:geheim@one,two/accounts', /several hosts/],
    ['postgresql://ada:geheim@one:1,two:2/accounts', /several hosts/],
    ['postgresql:///accounts?host=one,two&password=geheim', /several hosts/],
    ['postgresql:///accounts?host=@socket', /abstract/],
    ['postgresql://db/accounts?hostaddr=10.0.0.1', /hostaddr/],
    ['postgresql://db/accounts?service=accounts', /service/],
    ['postgresql://db/accounts?sslmode=maybe', /sslmode/],
    ['postgresql://db/accounts?sslrootcert=/nowhere/geheim.pem', /sslrootcert cannot be read \(ENOENT\)/],
    ['postgresql://db/accounts?statement_timeout=5s', /statement_timeout/],
    ['postgresql://db/accounts?schema=other', /schema/],
    ['postgresql://db/accounts?pgbouncer=yes', /pgbouncer/],
    ['postgresql://db/accounts?pgbouncer=true&statement_timeout=500', /ALTER ROLE/],
    ['postgresql://db/accounts?pgbouncer=true&options=-c%20x=y', /ALTER ROLE/],
  ]
  for (const [url, expected] of broken) {
    const problem = postgresqlUrlProblem(url) ?? ''
    t.match(problem, expected, url)
    for (const piece of password) t.notMatch(problem, piece, url)
    t.throws(() => postgresqlConfig(url), { message: /^DATABASE_URL: / })
  }
})

t.test('a pooler gets no start-up parameter that it refuses', async t => {
  const parameters = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'options']
  const direct = Object.keys(postgresqlConfig('postgresql://db/a'))
  t.ok(parameters.slice(0, 3).every(name => direct.includes(name)))
  const pooled = Object.keys(postgresqlConfig('postgresql://db/a?pgbouncer=true&connection_limit=3'))
  t.notOk(parameters.some(name => pooled.includes(name)))
  t.equal(postgresqlConfig('postgresql://db/a?pgbouncer=true&connection_limit=3').max, 3)
})

t.test('the banner names the server and no credentials', async t => {
  for (const [url, shown] of [
    ['postgresql://ada:geheim@db:6432/accounts?sslmode=require', 'postgresql://db:6432/accounts'],
    ['postgresql://ada:geheim@[::1]/accounts', 'postgresql://[::1]/accounts'],
    ['postgresql://ada:geheim@/accounts?host=/run/postgresql', 'postgresql:///accounts?host=/run/postgresql'],
    ['postgresql:///accounts?password=geheim', 'postgresql://localhost/accounts'],
  ] as const) {
    t.equal(describePostgresqlUrl(url), shown)
  }
})
