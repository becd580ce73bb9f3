import { readFileSync } from 'node:fs'
import t from 'tap'
import {
  type ConfigError,
  describeEnvironment,
  loadConfig,
  loadDatabaseUrl,
  renamedVariables,
} from '../../../src/config/config.ts'

/** Errors of an environment. */
function problemsOf(env: Record<string, string>): string[] {
  try {
    loadConfig(env)
    return []
  } catch (error) {
    if ((error as Error).name !== 'ConfigError') throw error
    return (error as ConfigError).problems
  }
}

const names = (problems: string[]) => problems.map(problem => problem.split(':', 1)[0])
const secret = 'fZ3k9Qx7Lw2Vb8Ty4Rn6Mh1Jc5Pd0Gs_uA'
const production = {
  NODE_ENV: 'production',
  APP_URL: 'https://accounts.example.org',
  JWT_SECRET: secret,
  DATABASE_URL: 'file:/srv/latchkey/latchkey.db',
  MAIL_BACKEND: 'smtp',
}

t.test('a variable is read by its old name for one release, with a warning', async t => {
  const old = { HASH_PATIENCE: '7' }
  t.equal(loadConfig(old).HASH_QUEUE_TIMEOUT, 7)
  t.match(renamedVariables(old), [
    { variable: 'HASH_PATIENCE', message: /^rename HASH_PATIENCE to HASH_QUEUE_TIMEOUT/ },
  ])
  t.equal(loadConfig({ ...old, HASH_QUEUE_TIMEOUT: '8' }).HASH_QUEUE_TIMEOUT, 8, 'the new name wins')
  t.equal(loadConfig({ ...old, HASH_QUEUE_TIMEOUT: '' }).HASH_QUEUE_TIMEOUT, 7, 'an empty value is absent')
  t.strictSame(names(problemsOf({ HASH_PATIENCE: 'long' })), ['HASH_QUEUE_TIMEOUT'])
  t.strictSame(renamedVariables({ HASH_QUEUE_TIMEOUT: '7', HASH_PATIENCE: ' ' }), [])
})

t.test('the defaults are those of the documentation', async t => {
  t.strictSame(
    { ...loadConfig({}) },
    {
      NODE_ENV: 'development',
      HOST: '127.0.0.1',
      PORT: 3000,
      OPERATOR_HOST: '127.0.0.1',
      APP_URL: 'http://localhost:3000',
      PAGES: 'on',
      DOCS: 'on',
      SERVICE_NAME: 'latchkey',
      DATABASE_URL: 'file:./data/latchkey.db',
      ACCESS_TOKEN_TTL: 900,
      ACCESS_TOKEN_ALG: 'ES256',
      ACCESS_TOKEN_CLIENT_ID: 'latchkey',
      ACCESS_TOKEN_EMAIL: 'off',
      REFRESH_TOKEN_TTL: 2_592_000,
      REFRESH_IDLE_TTL: 1_209_600,
      REFRESH_GRACE: 10,
      RESET_TOKEN_TTL: 1800,
      CONFIRM_TOKEN_TTL: 86_400,
      INVITATION_TOKEN_TTL: 604_800,
      CHANGE_CODE_TTL: 600,
      SECURE_TOKEN_TTL: 604_800,
      EVENT_RETENTION: 31_536_000,
      MAIL_RETENTION: 604_800,
      DEAD_MAIL_RETENTION: 2_592_000,
      EMAIL_CONFIRMATION: 'required',
      PASSWORD_MIN_LENGTH: 8,
      MAIL_BACKEND: 'console',
      MAIL_SERVER: 'localhost',
      MAIL_PORT: 25,
      MAIL_USE_TLS: false,
      MAIL_USE_SSL: false,
      MAIL_DEFAULT_SENDER: 'latchkey <no-reply@localhost>',
      ARGON2_MEMORY_KIB: 19_456,
      ARGON2_TIME_COST: 2,
      ARGON2_PARALLELISM: 1,
      HASH_QUEUE_TIMEOUT: 10,
      RATE_LIMIT: 'on',
      CORS_ORIGINS: [],
      CORS_ALLOWED_HEADERS: [],
      HSTS_INCLUDE_SUBDOMAINS: false,
      LOG_LEVEL: 'info',
    },
  )
})

t.test('names every invalid variable with the expected value', async t => {
  const bad: Record<string, [value: string, expected: RegExp]> = {
    NODE_ENV: ['prod', /one of development, test, production/],
    PORT: ['65536', /whole number from 0 to 65535/],
    OPERATOR_PORT: ['80.1', /whole number from 0 to 65535/],
    PAGES: ['yes', /one of on, off/],
    DOCS: ['yes', /one of on, off/],
    HSTS_INCLUDE_SUBDOMAINS: ['maybe', /true or false/],
    CONFIRM_EMAIL_URL: ['confirm', /absolute URL/],
    ACCEPT_INVITATION_URL: ['//a.example', /absolute URL/],
    RESET_PASSWORD_URL: ['javascript:alert(1)', /absolute URL/],
    FORGOT_PASSWORD_URL: ['https://a.example/#x', /absolute URL/],
    CHANGE_EMAIL_URL: ['data:,x', /absolute URL/],
    SECURE_ACCOUNT_URL: ['/secure', /absolute URL/],
    CHANGE_PASSWORD_URL: ['file:///x', /absolute URL/],
    SERVICE_NAME: ['x'.repeat(65), /expected/],
    DATABASE_URL: ['mysql://localhost/x', /postgresql:/],
    REDIS_URL: ['localhost:6379', /redis:/],
    JWT_SECRET: ['short', /at least 32/],
    JWT_SECRET_PREVIOUS: ['short', /at least 32/],
    ACCESS_TOKEN_TTL: ['0', /whole number from 1 to 31536000/],
    ACCESS_TOKEN_ALG: ['RS256', /one of ES256, HS256/],
    ACCESS_TOKEN_AUDIENCE: ['the api', /without spaces/],
    ACCESS_TOKEN_CLIENT_ID: ['né', /ASCII/],
    ACCESS_TOKEN_EMAIL: ['yes', /one of on, off/],
    ACCESS_TOKEN_PRIVATE_KEY: ['short', /P-256 key in PEM/],
    ACCESS_TOKEN_PRIVATE_KEY_PREVIOUS: ['short', /P-256 key in PEM/],
    REFRESH_TOKEN_TTL: ['30d', /whole number/],
    RESET_TOKEN_TTL: ['1.5', /whole number/],
    CONFIRM_TOKEN_TTL: ['-1', /whole number/],
    INVITATION_TOKEN_TTL: ['7d', /whole number/],
    CHANGE_CODE_TTL: ['1e3', /whole number/],
    SECURE_TOKEN_TTL: ['week', /whole number/],
    REFRESH_IDLE_TTL: ['31536001', /whole number from 1 to 31536000/],
    REFRESH_GRACE: ['99999999999', /whole number from 0/],
    EVENT_RETENTION: ['0', /whole number from 1/],
    MAIL_RETENTION: ['86399', /whole number from 86400/],
    DEAD_MAIL_RETENTION: ['86399', /whole number from 86400/],
    EMAIL_CONFIRMATION: ['on', /one of required, off/],
    PASSWORD_MIN_LENGTH: ['7', /from 8 to 128/],
    MAIL_BACKEND: ['sendmail', /one of console, smtp/],
    MAIL_PORT: ['0', /from 1 to 65535/],
    MAIL_USE_TLS: ['maybe', /true or false/],
    MAIL_USE_SSL: ['2', /true or false/],
    MAIL_DEFAULT_SENDER: ['nobody', /expected/],
    MAIL_REPLY_TO: ['nobody', /expected/],
    MAIL_ENVELOPE_SENDER: ['Ada <ada@example.org>', /expected/],
    MAIL_EHLO_NAME: ['mail example', /expected/],
    ARGON2_MEMORY_KIB: ['7', /from 8 to/],
    ARGON2_TIME_COST: ['0', /from 1 to 16/],
    ARGON2_PARALLELISM: ['0x1', /from 1 to 16/],
    HASH_QUEUE_TIMEOUT: ['0', /from 1 to/],
    UV_THREADPOOL_SIZE: ['0', /from 1 to 1024/],
    RATE_LIMIT: ['false', /one of on, off/],
    RATE_LIMIT_ALL: ['0', /whole number from 1 to 1000000/],
    RATE_LIMIT_LOGIN: ['none', /whole number/],
    RATE_LIMIT_REGISTER: ['1.5', /whole number/],
    RATE_LIMIT_MAIL: ['1000001', /whole number/],
    CORS_ORIGINS: ['https://a.example, b.example', /origins such as/],
    CORS_ALLOWED_HEADERS: ['traceparent, *', /names of header fields/],
    LOG_LEVEL: ['loud', /one of fatal, error, warn/],
  }
  const anyText = ['HOST', 'OPERATOR_HOST', 'MAIL_SERVER', 'MAIL_USERNAME', 'MAIL_PASSWORD', 'MAIL_CA_FILE']
  const checkedAfterwards = ['APP_URL', 'TRUST_PROXY']
  t.strictSame(
    describeEnvironment()
      .map(({ name }) => name)
      .filter(name => !name.endsWith('_FILE') || name === 'MAIL_CA_FILE')
      .sort(),
    [...Object.keys(bad), ...anyText, ...checkedAfterwards].sort(),
    'every variable is in the table',
  )
  const env = Object.fromEntries(Object.entries(bad).map(([name, [value]]) => [name, value]))
  const problems = problemsOf(env)
  t.strictSame(names(problems).sort(), Object.keys(bad).sort(), 'all of them, each once, and no other')
  for (const problem of problems) {
    const [name = ''] = problem.split(':', 1)
    t.match(problem, bad[name]?.[1] ?? /never/, name)
  }
  t.notMatch(problems.join('\n'), /short/, 'a value is never repeated: it may be a secret')
})

t.test('inconsistent variables are refused', async t => {
  const cases: [string, Record<string, string>][] = [
    ['MAIL_USE_SSL', { MAIL_USE_TLS: '1', MAIL_USE_SSL: '1' }],
    ['MAIL_PASSWORD', { MAIL_USERNAME: 'ada' }],
    ['MAIL_PASSWORD', { MAIL_PASSWORD: 'x' }],
    ['ARGON2_MEMORY_KIB', { ARGON2_MEMORY_KIB: '15', ARGON2_PARALLELISM: '2' }],
    ['APP_URL', { APP_URL: 'accounts.example.org' }],
    ['APP_URL', { APP_URL: 'javascript:alert(1)' }],
    ['APP_URL', { APP_URL: 'https://example.org/?x=1' }],
    ['APP_URL', { APP_URL: 'https://example.org/#x' }],
    ['TRUST_PROXY', { TRUST_PROXY: '1' }],
    ['TRUST_PROXY', { TRUST_PROXY: '10.0.0.1, 2' }],
    ['TRUST_PROXY', { TRUST_PROXY: 'true' }],
    ['TRUST_PROXY', { TRUST_PROXY: 'proxy.internal' }],
    ['TRUST_PROXY', { TRUST_PROXY: '10.0.0.0/eight' }],
    ...['10.0.0.0/33', '10.0.0.0/0', '::/129', '10.0.0.0/8/8', '10.0.0.0/1.2', '10.0.0.0/255.0.255.0'].map(
      (range): [string, Record<string, string>] => ['TRUST_PROXY', { TRUST_PROXY: range }],
    ),
    ['TRUST_PROXY', { TRUST_PROXY: '::1/255.0.0.0' }],
    ['TRUST_PROXY', { TRUST_PROXY: 'toString' }],
    ['APP_URL', { APP_URL: 'https://ada:geheim@example.org' }],
    ['APP_URL', { APP_URL: 'https://example.org//accounts' }],
    ['REDIS_URL', { REDIS_URL: 'redis://:50%off@127.0.0.1' }],
    ['ACCESS_TOKEN_PRIVATE_KEY_PREVIOUS', { ACCESS_TOKEN_PRIVATE_KEY_PREVIOUS: 'derived' }],
  ]
  for (const [name, env] of cases) t.strictSame(names(problemsOf(env)), [name], JSON.stringify(env))
  t.strictSame(problemsOf({ MAIL_USERNAME: 'ada', MAIL_PASSWORD: 'x', MAIL_USE_TLS: '1' }), [])
})

t.test('production requires secure settings', async t => {
  t.strictSame(problemsOf(production), [])
  const demanded = ['JWT_SECRET', 'APP_URL', 'DATABASE_URL']
  t.strictSame(
    names(problemsOf({ NODE_ENV: 'production' })),
    [...demanded, 'MAIL_BACKEND'],
    'the other variables have valid defaults',
  )
  for (const name of demanded) {
    t.strictSame(names(problemsOf({ ...production, [name]: ' ' })), [name], `${name} is demanded`)
    t.strictSame(problemsOf({ [name]: '' }), [], 'development does not require it')
  }
  const cases: [string, Record<string, string>][] = [
    ['JWT_SECRET', { JWT_SECRET: 'change-me-change-me-change-me-change-me' }],
    ['JWT_SECRET', { JWT_SECRET: 'your-secret-key-goes-here-0123456789' }],
    ['JWT_SECRET', { JWT_SECRET: 'example-of-a-secret-0123456789-abcdef' }],
    ['JWT_SECRET', { JWT_SECRET: 'a'.repeat(64) }],
    ['JWT_SECRET_PREVIOUS', { JWT_SECRET_PREVIOUS: 'ab'.repeat(32) }],
    ['RATE_LIMIT', { RATE_LIMIT: 'off' }],
    ['CORS_ORIGINS', { CORS_ORIGINS: '*' }],
    ['MAIL_BACKEND', { MAIL_BACKEND: 'console' }],
    ['APP_URL', { APP_URL: 'http://accounts.example.org' }],
  ]
  for (const [name, env] of cases) {
    t.strictSame(names(problemsOf({ ...production, ...env })), [name], JSON.stringify(env))
  }
  for (const env of cases.map(([, env]) => env)) t.strictSame(problemsOf(env), [], 'development accepts it')
  t.strictSame(problemsOf({ ...production, APP_URL: 'http://localhost:3000' }), [], 'loopback needs no TLS')
  t.strictSame(problemsOf({ ...production, CORS_ORIGINS: 'https://a.example' }), [])
  t.same(
    names(
      problemsOf({
        ...production,
        MAIL_BACKEND: 'console',
        RATE_LIMIT: 'off',
        CORS_ORIGINS: '*',
        APP_URL: 'http://a.example',
      }),
    ),
    ['MAIL_BACKEND', 'RATE_LIMIT', 'CORS_ORIGINS', 'APP_URL'],
    'all at once',
  )
})

t.test('a hop count in TRUST_PROXY is reported as such', async t => {
  t.match(problemsOf({ TRUST_PROXY: '1' })[0], /hop count is not supported/)
})

t.test('the migration step reads DATABASE_URL and nothing else', async t => {
  const url = 'postgresql://accounts@db.internal/accounts'
  t.equal(loadDatabaseUrl({ NODE_ENV: 'production', DATABASE_URL: url, PORT: 'bad' }), url)
  t.equal(loadDatabaseUrl({}), 'file:./data/latchkey.db')
  t.throws(() => loadDatabaseUrl({ NODE_ENV: 'production' }), {
    name: 'ConfigError',
    message: /DATABASE_URL: required/,
  })
  t.throws(() => loadDatabaseUrl({ DATABASE_URL: 'mysql://x' }), { name: 'ConfigError' })
})

t.test('every secret may come from a file', async t => {
  const folder = t.testdir({
    secret: `\ufeff${secret}\r\n`,
    database: 'postgresql://accounts:p%40ss@db.internal/accounts\n',
    empty: '\n',
    binary: Buffer.from([0xff, 0x00, 0xc3, 0x28]),
  })
  const config = loadConfig({
    JWT_SECRET_FILE: `${folder}/secret`,
    DATABASE_URL_FILE: `${folder}/database`,
    DATABASE_URL: '',
  })
  t.equal(config.JWT_SECRET, secret)
  t.equal(config.DATABASE_URL, 'postgresql://accounts:p%40ss@db.internal/accounts')
  t.notOk(
    Object.keys(config).some(name => name.endsWith('_FILE')),
    'a configuration contains values',
  )
  const { JWT_SECRET: _, ...others } = production
  t.strictSame(problemsOf({ ...others, JWT_SECRET_FILE: `${folder}/secret` }), [], 'in production too')
  const files = describeEnvironment().filter(({ description }) => description.startsWith('file that holds'))
  t.strictSame(
    files.map(({ name }) => name.replace('_FILE', '')),
    [
      ...['DATABASE_URL', 'REDIS_URL', 'JWT_SECRET', 'JWT_SECRET_PREVIOUS'],
      ...['ACCESS_TOKEN_PRIVATE_KEY', 'ACCESS_TOKEN_PRIVATE_KEY_PREVIOUS', 'MAIL_PASSWORD'],
    ],
  )
  for (const { name } of files) {
    const [bare = ''] = name.split('_FILE')
    for (const path of ['missing', 'empty', 'binary', '.']) {
      const problems = problemsOf({ [name]: `${folder}/${path}` })
      t.ok(names(problems).includes(name), `${name}: ${path}`)
    }
    const both = { [name]: `${folder}/secret`, [bare]: secret }
    t.ok(
      problemsOf(both).some(problem => problem.startsWith(`${name}: expected only one`)),
      `${name}: both`,
    )
  }
})

t.test('an IPv6 address may stand in brackets', async t => {
  const config = loadConfig({ HOST: '[::1]', MAIL_SERVER: '[2001:db8::25]' })
  t.match(config, { HOST: '::1', MAIL_SERVER: '2001:db8::25', APP_URL: 'http://[::1]:3000' })
})

t.test('booleans are parsed as in Flask apps', async t => {
  for (const yes of ['True', 'true', 'TRUE', '1', 'yes', 'on', ' On ']) {
    t.equal(loadConfig({ MAIL_USE_TLS: yes }).MAIL_USE_TLS, true, yes)
  }
  for (const no of ['False', 'false', '0', 'no', 'off', '']) {
    t.equal(loadConfig({ MAIL_USE_TLS: no }).MAIL_USE_TLS, false, no)
  }
})

t.test('an empty variable counts as absent, and spaces around a value do not count', async t => {
  const empty = Object.fromEntries(describeEnvironment().map(({ name }) => [name, ' ']))
  t.strictSame({ ...loadConfig(empty) }, { ...loadConfig({}) })
  t.equal(loadConfig({ PORT: ' 8080 ' }).PORT, 8080)
  t.strictSame(loadConfig({ CORS_ORIGINS: 'https://a.example , http://localhost:5173' }).CORS_ORIGINS, [
    'https://a.example',
    'http://localhost:5173',
  ])
})

t.test('the configuration is frozen and contains its variables only', async t => {
  const config = loadConfig({ PATH: '/bin', npm_config_x: 'y', PORT: '4000' })
  t.ok(Object.isFrozen(config))
  t.throws(() => {
    ;(config as { PORT: number }).PORT = 1
  }, TypeError)
  t.ok(Object.isFrozen(config.CORS_ORIGINS), 'its lists too')
  const known = new Set(describeEnvironment().map(({ name }) => name))
  t.strictSame(
    Object.keys(config).filter(name => !known.has(name)),
    [],
  )
})

t.test('links lead to the service itself unless APP_URL says otherwise', async t => {
  const appUrl = (env: Record<string, string>) => loadConfig(env).APP_URL
  t.equal(appUrl({ PORT: '4000' }), 'http://localhost:4000')
  t.equal(appUrl({ HOST: 'localhost' }), 'http://localhost:3000')
  t.equal(appUrl({ HOST: '127.0.0.2' }), 'http://127.0.0.2:3000')
  t.equal(appUrl({ HOST: '0.0.0.0' }), 'http://localhost:3000')
  t.equal(appUrl({ HOST: '::' }), 'http://localhost:3000')
  t.equal(appUrl({ HOST: '::1' }), 'http://[::1]:3000')
  t.equal(appUrl({ HOST: '::1', APP_URL: 'https://a.example/x' }), 'https://a.example/x')
  t.strictSame(names(problemsOf({ PORT: '0' })), ['APP_URL'], 'no link has a port that is chosen later')
  t.equal(appUrl({ PORT: '0', APP_URL: 'http://localhost:8080' }), 'http://localhost:8080')
})

t.test('.env.example lists exactly the existing variables, with their defaults', async t => {
  const text = readFileSync(new URL(import.meta.resolve('#root/.env.example')), 'utf8')
  const listed = [...text.matchAll(/^#? ?([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(([, name, value]) => ({
    name,
    value,
  }))
  t.strictSame(
    listed,
    describeEnvironment().map(({ name, default: value }) => ({ name, value })),
  )
  t.ok(
    describeEnvironment().every(({ description }) => description.length > 5),
    'each is described',
  )
})
