import t from 'tap'
import { type ConfigError, loadConfig } from '../../../src/config/config.ts'
import { productionWarnings } from '../../../src/config/production.ts'
import { LONGEST_MAIL_WAIT } from '../../../src/shared/mail-wait.ts'

const production = {
  NODE_ENV: 'production',
  APP_URL: 'https://accounts.example.org',
  JWT_SECRET: 'fZ3k9Qx7Lw2Vb8Ty4Rn6Mh1Jc5Pd0Gs_uA',
  DATABASE_URL: 'file:/srv/latchkey/latchkey.db',
  MAIL_BACKEND: 'smtp',
  MAIL_DEFAULT_SENDER: 'accounts@example.org',
}
const remoteMail = {
  MAIL_SERVER: 'mail.example.org',
  MAIL_USERNAME: 'accounts',
  MAIL_PASSWORD: 'hU7_kq-29Zx',
}

type Environment = Record<string, string>

/** The variables for which an environment is rejected, on top of a valid one. */
function refused(env: Environment): string[] {
  try {
    loadConfig({ ...production, ...env })
    return []
  } catch (error) {
    if ((error as Error).name !== 'ConfigError') throw error
    return (error as ConfigError).problems.map(problem => problem.split(':', 1)[0] as string)
  }
}

const warned = (env: Environment) =>
  productionWarnings(loadConfig({ ...production, ...env })).map(({ variable }) => variable)

t.test('mail credentials never cross the network unencrypted', async t => {
  t.strictSame(refused(remoteMail), ['MAIL_USE_TLS'])
  t.strictSame(refused({ ...remoteMail, MAIL_USE_TLS: 'true' }), [])
  t.strictSame(refused({ ...remoteMail, MAIL_USE_SSL: 'true', MAIL_PORT: '465' }), [])
  for (const MAIL_SERVER of ['localhost', '127.0.0.1', '::1']) {
    t.strictSame(refused({ ...remoteMail, MAIL_SERVER }), [], `${MAIL_SERVER} is this machine`)
  }
  t.strictSame(refused({ ...remoteMail, NODE_ENV: 'development' }), [])
})

t.test('only localhost and loopback addresses are this machine', async t => {
  /** What production says of plain connections to a host, which is nothing if the host is this machine. */
  const doubts = (host: string) => {
    const inUrl = host.includes(':') ? `[${host}]` : host
    const link = refused({ ACCEPT_INVITATION_URL: `http://${inUrl}/invitation` })
    const credentials = refused({ ...remoteMail, MAIL_SERVER: host })
    const warnings = {
      MAIL_SERVER: host,
      DATABASE_URL: `postgresql://${inUrl}/accounts`,
      REDIS_URL: `redis://${inUrl}`,
    }
    return [...link, ...credentials, ...warned(warnings)]
  }
  const here = [
    'localhost',
    'LocalHost',
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
  ]
  for (const host of here) t.strictSame(doubts(host), [], host)
  const elsewhere = [
    ...['127.example.org', '127.0.0.1.example.org', 'localhost.example.org', 'localhost.'],
    ...['128.0.0.1', '0.0.0.0', '::', '::2', '::ffff:128.0.0.1', '::127.0.0.1'],
  ]
  const each = ['ACCEPT_INVITATION_URL', 'MAIL_USE_TLS', 'MAIL_USE_TLS', 'DATABASE_URL', 'REDIS_URL']
  for (const host of elsewhere) t.strictSame(doubts(host), each, host)
})

t.test('a guessable secret is refused in both variables', async t => {
  const phrase = 'correct horse battery staple and another horse'
  t.strictSame(refused({ JWT_SECRET: phrase }), ['JWT_SECRET'])
  t.strictSame(refused({ JWT_SECRET_PREVIOUS: phrase }), ['JWT_SECRET_PREVIOUS'])
  t.strictSame(refused({ NODE_ENV: 'development', JWT_SECRET: phrase }), [], 'development accepts it')
})

t.test('the previous secret must differ', async t => {
  const same = { JWT_SECRET_PREVIOUS: production.JWT_SECRET }
  t.strictSame(refused(same), ['JWT_SECRET_PREVIOUS'])
  t.strictSame(refused({ ...same, NODE_ENV: 'development' }), ['JWT_SECRET_PREVIOUS'], 'nowhere')
})

t.test('sample passwords of servers are refused', async t => {
  const at = (password: string) => `postgresql://ada:${password}@db.internal:5432/accounts?sslmode=require`
  const samples = ['secret', 'postgres', 'latchkey', 'changeme', 'change-me', 'password', 'Password1!', 'ada']
  for (const password of [
    ...samples,
    'sample-for-local-use-only',
    'example',
    'admin123',
    '123456',
    '%73ecret',
  ]) {
    t.strictSame(refused({ DATABASE_URL: at(password) }), ['DATABASE_URL'], password)
    t.strictSame(
      refused({ DATABASE_URL: at(password), NODE_ENV: 'development' }),
      [],
      'development accepts it',
    )
  }
  t.strictSame(refused({ DATABASE_URL: 'postgresql://db.internal/accounts?password=secret' }), [
    'DATABASE_URL',
  ])
  t.strictSame(refused({ REDIS_URL: 'rediss://:redis@counters.internal' }), ['REDIS_URL'])
  t.strictSame(refused({ ...remoteMail, MAIL_USE_TLS: '1', MAIL_PASSWORD: 'secret' }), ['MAIL_PASSWORD'])
  for (const password of ['hU7_kq-29Zx', 'secretariat-Q8v', 'k%2F9s%25', 'devQ81xkLm']) {
    t.strictSame(refused({ DATABASE_URL: at(password) }), [], password)
  }
  t.strictSame(
    refused({ DATABASE_URL: 'postgresql://postgres@127.0.0.1/accounts' }),
    [],
    'accepts a socket and peer authentication',
  )
  t.strictSame(refused({ DATABASE_URL: 'file:./secret' }), [], 'a file has none')
})

t.test('TRUST_PROXY cannot trust every address', async t => {
  const everybody = [
    '0.0.0.0/0',
    '::/0',
    '0.0.0.0/1, 128.0.0.0/1',
    '0.0.0.0/0.0.0.0',
    '::ffff:0:0/96',
    '2000::/3',
    '64.0.0.0/2',
    '8.0.0.0/8',
    '172.0.0.0/8',
    '2600::/8',
  ]
  for (const TRUST_PROXY of everybody) {
    t.strictSame(refused({ TRUST_PROXY }), ['TRUST_PROXY'], TRUST_PROXY)
    t.strictSame(refused({ TRUST_PROXY: `10.0.0.1,${TRUST_PROXY}` }), ['TRUST_PROXY'], 'among others')
    // Fastify refuses a range without a length, so the service never starts with it.
    const isRefusedAnyway = /\/0(\.0\.0\.0)?$/.test(TRUST_PROXY)
    const onLaptop = refused({ TRUST_PROXY, NODE_ENV: 'development' })
    t.strictSame(onLaptop, isRefusedAnyway ? ['TRUST_PROXY'] : [], 'a laptop may')
  }
  for (const TRUST_PROXY of [
    '10.0.0.0/8, 192.168.0.0/16',
    'fd00::/8',
    '::1',
    'loopback',
    '172.64.0.0/13',
    '2400:cb00::/32',
  ]) {
    t.strictSame(refused({ TRUST_PROXY }), [], TRUST_PROXY)
  }
})

t.test("hashing costs at least OWASP's minimum", async t => {
  const cost = (kib: number, passes: number) => ({
    ARGON2_MEMORY_KIB: String(kib),
    ARGON2_TIME_COST: String(passes),
  })
  for (const [kib, passes] of [
    [47_104, 1],
    [19_456, 2],
    [12_288, 3],
    [9216, 4],
    [7168, 5],
  ] as const) {
    t.strictSame(refused(cost(kib, passes)), [], `${kib} KiB, ${passes} passes`)
  }
  for (const [kib, passes] of [
    [64, 1],
    [19_456, 1],
    [1024, 16],
    [7168, 4],
  ] as const) {
    t.strictSame(refused(cost(kib, passes)), ['ARGON2_MEMORY_KIB'], `${kib} KiB, ${passes} passes`)
  }
})

t.test('warns of likely oversights', async t => {
  t.strictSame(warned({}), [])
  t.strictSame(warned({ EMAIL_CONFIRMATION: 'off' }), ['EMAIL_CONFIRMATION'])
  t.strictSame(warned({ APP_URL: 'http://localhost:3000' }), ['APP_URL'], 'links to this machine')
  t.strictSame(warned({ MAIL_DEFAULT_SENDER: '' }), ['MAIL_DEFAULT_SENDER'], 'no-reply@localhost')
  for (const LOG_LEVEL of ['fatal', 'silent']) t.strictSame(warned({ LOG_LEVEL }), ['LOG_LEVEL'])
  t.strictSame(warned({ MAIL_SERVER: 'relay.internal' }), ['MAIL_USE_TLS'], 'links with tokens can be read')
  t.strictSame(warned({ DATABASE_URL: 'postgresql://db.internal/accounts' }), ['DATABASE_URL'])
  t.strictSame(warned({ DATABASE_URL: 'postgresql://db.internal/accounts?sslmode=prefer' }), ['DATABASE_URL'])
  t.strictSame(warned({ DATABASE_URL: 'postgresql://db.internal/accounts?sslmode=verify-full' }), [])
  t.strictSame(warned({ DATABASE_URL: 'postgresql://127.0.0.1/accounts' }), [])
  t.strictSame(warned({ REDIS_URL: 'redis://counters.internal' }), ['REDIS_URL'])
  t.strictSame(warned({ REDIS_URL: 'rediss://counters.internal' }), [])
  t.strictSame(
    warned({ NODE_ENV: 'development', EMAIL_CONFIRMATION: 'off' }),
    [],
    'development logs no warning',
  )
})

t.test('warns of links that expire before the next email may be sent', async t => {
  for (const name of ['RESET_TOKEN_TTL', 'CONFIRM_TOKEN_TTL']) {
    t.strictSame(warned({ [name]: String(LONGEST_MAIL_WAIT) }), [name])
    t.strictSame(warned({ [name]: String(LONGEST_MAIL_WAIT + 1) }), [])
  }
  t.strictSame(warned({ INVITATION_TOKEN_TTL: '60', CHANGE_CODE_TTL: '60' }), [], 'these emails never wait')
})
