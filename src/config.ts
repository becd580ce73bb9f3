/**
 * The environment, described once. `.env.example`, the table in the README and the types of the
 * whole service follow from this schema; tests hold them together.
 */
import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import { ORIGINS, serializedOrigin } from './config-origins.ts'
import { missingInProduction, unfitForProduction } from './config-production.ts'
import { PROXIES, proxyProblem } from './config-proxies.ts'
import { isGuessable } from './config-secret.ts'
import { fileVariable, SECRETS, secretsFromFiles } from './config-secret-files.ts'
import { isInClear, isLinkTarget, isRedisUrl, LINK_TARGET, localUrl } from './config-urls.ts'
import { loadEnvFile } from './env-file.ts'
import { postgresqlUrlProblem } from './postgresql-url.ts'

const MEBIBYTE_KIB = 1024
/** One address, with or without a display name. */
const MAILBOX = '^([^<>\\p{Cc}]*<[^<>@\\s]+@[^<>@\\s]+>|[^<>@\\s]+@[^<>@\\s]+)$'

const Environment = Type.Object({
  NODE_ENV: Type.Union([Type.Literal('development'), Type.Literal('test'), Type.Literal('production')], {
    default: 'development',
    description:
      '`production` demands `JWT_SECRET`, an https `APP_URL`, `DATABASE_URL`, a mail server and the limits on',
  }),
  HOST: Type.String({ default: '127.0.0.1', minLength: 1, description: 'address to listen on' }),
  PORT: Type.Integer({ default: 3000, minimum: 0, maximum: 65535, description: 'port to listen on' }),
  APP_URL: Type.Optional(
    Type.String({
      description:
        'the service as browsers see it: base of links and of the refresh cookie; `http://localhost` and the port by default',
    }),
  ),
  PAGES: Type.Union([Type.Literal('on'), Type.Literal('off')], {
    default: 'on',
    description: '`off`: no pages under /app, the API alone',
  }),
  DOCS: Type.Union([Type.Literal('on'), Type.Literal('off')], {
    default: 'on',
    description: '`off`: no Swagger UI under /docs; /openapi.json stays',
  }),
  CONFIRM_EMAIL_URL: linkTarget('where confirmation mails lead, instead of the page'),
  RESET_PASSWORD_URL: linkTarget('where reset mails lead'),
  FORGOT_PASSWORD_URL: linkTarget('where one asks for a reset'),
  CHANGE_EMAIL_URL: linkTarget('where mails to a new address lead'),
  SECURE_ACCOUNT_URL: linkTarget('where "this was not me" leads'),
  CHANGE_PASSWORD_URL: linkTarget('where `/.well-known/change-password` leads'),
  SERVICE_NAME: Type.String({
    default: 'latchkey',
    minLength: 1,
    maxLength: 64,
    pattern: '^[^\\p{Cc}]+$',
    description: 'name that mails sign with; refused as a password',
  }),
  DATABASE_URL: Type.String({
    default: 'file:./data/latchkey.db',
    pattern: '^(file:.|postgres(ql)?://.)',
    description: '`file:…` for the embedded SQLite, `postgresql://…` for PostgreSQL',
  }),
  REDIS_URL: Type.Optional(
    Type.String({
      pattern: '^rediss?://.',
      description: '`redis://…`: limits are counted there, for all instances together',
    }),
  ),
  JWT_SECRET: Type.Optional(
    Type.String({ minLength: 32, description: 'signing secret, at least 32 bytes; made once if absent' }),
  ),
  JWT_SECRET_PREVIOUS: Type.Optional(
    Type.String({ minLength: 32, description: 'the secret before this one: still verifies, never signs' }),
  ),
  ACCESS_TOKEN_TTL: seconds(900, 'life of an access token'),
  REFRESH_TOKEN_TTL: seconds(2_592_000, 'life of a session, however busy'),
  REFRESH_IDLE_TTL: seconds(1_209_600, 'life of a session that is not refreshed'),
  REFRESH_GRACE: seconds(10, 'how long a spent refresh token still yields its successor', 0),
  RESET_TOKEN_TTL: seconds(1800, 'life of a reset link and its code, from when they are sent'),
  CONFIRM_TOKEN_TTL: seconds(86_400, 'life of a confirmation link and its code, from when they are sent'),
  CHANGE_CODE_TTL: seconds(600, 'life of a mailed code for a change of password'),
  SECURE_TOKEN_TTL: seconds(604_800, 'life of a "this was not me" link'),
  EVENT_RETENTION: seconds(31_536_000, 'how long the history of an account is kept'),
  MAIL_RETENTION: seconds(
    86_400,
    'how long a mail that was sent or not needed is kept in the outbox',
    86_400,
  ),
  DEAD_MAIL_RETENTION: seconds(2_592_000, 'how long a mail that could not be sent is kept', 86_400),
  EMAIL_CONFIRMATION: Type.Union([Type.Literal('required'), Type.Literal('off')], {
    default: 'required',
    description: '`off`: an account is there at once, unconfirmed',
  }),
  PASSWORD_MIN_LENGTH: Type.Integer({
    default: 8,
    minimum: 8,
    maximum: 128,
    description: 'in code points; NIST asks for 15 where the password is the only factor',
  }),
  MAIL_BACKEND: Type.Union([Type.Literal('console'), Type.Literal('smtp')], {
    default: 'console',
    description: '`console` prints mails, `smtp` sends them',
  }),
  MAIL_SERVER: Type.String({ default: 'localhost', minLength: 1, description: 'SMTP host' }),
  MAIL_PORT: Type.Integer({ default: 25, minimum: 1, maximum: 65535, description: 'SMTP port' }),
  MAIL_USE_TLS: Type.Boolean({ default: false, description: 'STARTTLS, and nothing without it' }),
  MAIL_USE_SSL: Type.Boolean({ default: false, description: 'TLS from the first byte (port 465)' }),
  MAIL_USERNAME: Type.Optional(Type.String({ description: 'SMTP user' })),
  MAIL_PASSWORD: Type.Optional(Type.String({ description: 'SMTP password' })),
  MAIL_DEFAULT_SENDER: Type.String({
    default: 'latchkey <no-reply@localhost>',
    pattern: MAILBOX,
    description: 'sender of every mail',
  }),
  MAIL_REPLY_TO: Type.Optional(
    Type.String({ pattern: MAILBOX, description: 'where replies to mails go, if not to the sender' }),
  ),
  MAIL_ENVELOPE_SENDER: Type.Optional(
    Type.String({
      pattern: '^[^<>@\\s]+@[^<>@\\s]+$',
      description: 'where bounces go (MAIL FROM), if not to the sender',
    }),
  ),
  MAIL_EHLO_NAME: Type.Optional(
    Type.String({
      pattern: '^([a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?|\\[[a-zA-Z0-9.:]+\\])$',
      maxLength: 255,
      description: 'name in EHLO; the host of `APP_URL` by default',
    }),
  ),
  MAIL_CA_FILE: Type.Optional(
    Type.String({ description: 'PEM file of the CA that signs the mail server, instead of the usual ones' }),
  ),
  ARGON2_MEMORY_KIB: Type.Integer({
    default: 19 * MEBIBYTE_KIB,
    minimum: 8,
    maximum: 1024 * MEBIBYTE_KIB,
    description: 'argon2id memory',
  }),
  ARGON2_TIME_COST: Type.Integer({ default: 2, minimum: 1, maximum: 16, description: 'argon2id passes' }),
  ARGON2_PARALLELISM: Type.Integer({ default: 1, minimum: 1, maximum: 16, description: 'argon2id lanes' }),
  HASH_PATIENCE: seconds(10, 'how long a request waits for a hash before it is shed with 503'),
  UV_THREADPOOL_SIZE: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1024,
      description:
        "threads of libuv's pool: one less than these hash at once, and no more than cores; cores and four by default",
    }),
  ),
  RATE_LIMIT: Type.Union([Type.Literal('on'), Type.Literal('off')], {
    default: 'on',
    description: '`off` lifts every limit, the mail caps too; for load tests',
  }),
  RATE_LIMIT_ALL: limit('requests a minute from one network', '100'),
  RATE_LIMIT_LOGIN: limit('refused logins and password checks in 3 minutes from one network', '10'),
  RATE_LIMIT_REGISTER: limit('registrations an hour from one network, and five times as many a day', '20'),
  RATE_LIMIT_MAIL: limit('requests for mails an hour from one network', '10'),
  TRUST_PROXY: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'proxies whose `X-Forwarded-For`, `x-request-id` and `traceparent` count: addresses or CIDR ranges, by commas; no hop count',
    }),
  ),
  CORS_ORIGINS: Type.Array(
    Type.Refine(Type.String(), text => text === '*' || serializedOrigin(text) === text),
    {
      default: [],
      description: 'origins of front ends (scheme, host and port, of any scheme), by commas',
    },
  ),
  CORS_ALLOWED_HEADERS: Type.Array(Type.String({ pattern: "^[!#$%&'+.^_`|~\\w-]+$" }), {
    default: [],
    description: 'header fields that these front ends may send besides, such as `traceparent`, by commas',
  }),
  HSTS_INCLUDE_SUBDOMAINS: Type.Boolean({
    default: false,
    description: 'browsers use https for every subdomain of the host too, for two years',
  }),
  LOG_LEVEL: Type.Union(
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'].map(level => Type.Literal(level)),
    { default: 'info', description: 'least level that is logged; probes are at `debug`' },
  ),
})

/** The validated configuration: one frozen object, durations in seconds. */
export type Config = Readonly<Static<typeof Environment> & { APP_URL: string }>

/** What is wrong with the environment, all of it at once: one line for each variable. */
export interface ConfigError extends Error {
  name: 'ConfigError'
  problems: string[]
}

const LINK_TARGETS = [
  'CONFIRM_EMAIL_URL',
  'RESET_PASSWORD_URL',
  'FORGOT_PASSWORD_URL',
  'CHANGE_EMAIL_URL',
  'SECURE_ACCOUNT_URL',
  'CHANGE_PASSWORD_URL',
] as const

const PLACEHOLDER_SECRET = /change.?me|secret.?key|example|your.?secret|placeholder/i

/**
 * The variables of the process, with those of a `.env` file in the working directory for what is not
 * set already.
 */
export function processEnvironment(): NodeJS.ProcessEnv {
  loadEnvFile('.env')
  return process.env
}

/**
 * Validates an environment.
 *
 * @param env name to text, as in `process.env`; empty values count as absent
 * @returns the frozen configuration with every default in place
 * @throws {ConfigError} naming every bad variable and what it should be
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const { given, problems } = secretsFromFiles(env)
  const values = readAll(given)
  problems.push(...invalid(values))
  if (values['APP_URL'] === undefined && values['PORT'] === 0) {
    problems.push('APP_URL: expected where PORT is 0; links cannot lead to a port that is chosen later')
  }
  const missing = values['NODE_ENV'] === 'production' ? missingInProduction(given) : []
  if (problems.length === 0) {
    const config = {
      ...values,
      APP_URL: values['APP_URL'] ?? localUrl(String(values['HOST']), String(values['PORT'])),
    } as Config
    problems.push(...missing, ...inconsistent(config))
    Object.values(config).forEach(Object.freeze)
    if (problems.length === 0) return Object.freeze(config)
  }
  throw configError([...new Set([...problems, ...missing])])
}

/**
 * The address of the database alone, for the migration step: it needs no other variable, and gets no other secret.
 *
 * @param env as for loadConfig
 * @throws {ConfigError} when DATABASE_URL is not right, or is missing in production
 */
export function loadDatabaseUrl(env: NodeJS.ProcessEnv): string {
  const { given, problems } = secretsFromFiles(env)
  const values = readAll(given)
  problems.push(...invalid(values))
  if (values['NODE_ENV'] === 'production') problems.push(...missingInProduction(given))
  const own = problems.filter(problem => problem.startsWith('DATABASE_URL'))
  if (own.length > 0) throw configError(own)
  return String(values['DATABASE_URL'])
}

/** Values of every variable that is given or has a default. */
function readAll(given: NodeJS.ProcessEnv): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const [name, schema] of Object.entries(Environment.properties)) {
    const text = given[name]?.trim()
    const value = text === undefined || text === '' ? defaultOf(schema) : read(canonical(name, text), schema)
    if (value !== undefined) values[name] = value
  }
  return values
}

function configError(problems: string[]): ConfigError {
  return Object.assign(new Error(`bad configuration:\n${problems.map(line => `  ${line}`).join('\n')}`), {
    name: 'ConfigError' as const,
    problems,
  })
}

/** The schema's variables with what documentation needs of each; the source of the README's table. */
export function describeEnvironment(): { name: string; default: string; description: string }[] {
  return Object.entries(Environment.properties).flatMap(([name, schema]) => [
    {
      name,
      default: String(defaultOf(schema) ?? ''),
      description: String(annotation(schema, 'description')),
    },
    ...(SECRETS.has(name)
      ? [{ name: fileVariable(name), default: '', description: `file that holds \`${name}\`, instead of it` }]
      : []),
  ])
}

/** Variable by variable, since a compiled schema stops after eight errors. */
function invalid(values: Record<string, unknown>): string[] {
  const problems = Object.entries(Environment.properties)
    .filter(([name, schema]) => name in values && !Value.Check(schema, values[name]))
    .map(([name]) => `${name}: expected ${expectation(name)}`)
  const { DATABASE_URL, REDIS_URL } = values
  const database = /^postgres(ql)?:/.test(String(DATABASE_URL)) && postgresqlUrlProblem(String(DATABASE_URL))
  if (database) problems.push(`DATABASE_URL: ${database}`)
  if (typeof REDIS_URL === 'string' && REDIS_URL.startsWith('redis') && !isRedisUrl(REDIS_URL)) {
    problems.push('REDIS_URL: expected redis[s]://[user:password@]host[:port][/number], percent-encoded')
  }
  return problems
}

function expectation(name: string): string {
  const schema: object = Environment.properties[name as keyof typeof Environment.properties]
  const { type, minimum, maximum, minLength, anyOf, items } = schema as Record<string, unknown> & {
    anyOf?: { const: unknown }[]
  }
  const kind =
    anyOf !== undefined
      ? `one of ${anyOf.map(option => option.const).join(', ')}`
      : type === 'integer'
        ? `a whole number from ${minimum} to ${maximum}`
        : type === 'boolean'
          ? 'true or false'
          : items !== undefined
            ? name === 'CORS_ORIGINS'
              ? ORIGINS
              : 'names of header fields'
            : '~refine' in schema
              ? LINK_TARGET
              : minLength !== undefined && Number(minLength) > 1
                ? `at least ${minLength} characters`
                : 'another form'
  return `${kind} (${annotation(schema, 'description')})`
}

/** Rules that concern more than one variable. */
function inconsistent(config: Config): string[] {
  const problems: string[] = []
  const demand = (holds: boolean, problem: string) => {
    if (!holds) problems.push(problem)
  }
  const appUrl = URL.canParse(config.APP_URL) ? new URL(config.APP_URL) : undefined
  demand(
    appUrl !== undefined && /^https?:$/.test(appUrl.protocol) && appUrl.search === '' && appUrl.hash === '',
    'APP_URL: expected an http or https URL without query or fragment',
  )
  // The path of the refresh cookie begins with it, and there a semicolon ends the path (RFC 6265 section 5.2).
  demand(!appUrl?.pathname.includes(';'), 'APP_URL: expected a path without semicolon')
  demand(
    !(config.MAIL_USE_TLS && config.MAIL_USE_SSL),
    'MAIL_USE_SSL: expected only one of it and MAIL_USE_TLS',
  )
  demand(
    (config.MAIL_USERNAME === undefined) === (config.MAIL_PASSWORD === undefined),
    'MAIL_PASSWORD: expected together with MAIL_USERNAME, or neither',
  )
  demand(
    config.JWT_SECRET === undefined || config.JWT_SECRET !== config.JWT_SECRET_PREVIOUS,
    'JWT_SECRET_PREVIOUS: expected another secret than JWT_SECRET',
  )
  demand(
    config.ARGON2_MEMORY_KIB >= 8 * config.ARGON2_PARALLELISM,
    'ARGON2_MEMORY_KIB: expected at least 8 for each lane (RFC 9106)',
  )
  const proxies = proxyProblem(config.TRUST_PROXY)
  demand(proxies === undefined, `TRUST_PROXY: expected ${PROXIES}; ${proxies}`)
  for (const name of ['JWT_SECRET', 'JWT_SECRET_PREVIOUS'] as const) {
    const secret = config[name]
    if (config.NODE_ENV !== 'production' || secret === undefined) continue
    demand(
      !PLACEHOLDER_SECRET.test(secret) && !isGuessable(secret),
      `${name}: expected a random secret, not a sample (try: openssl rand -base64 48)`,
    )
  }
  if (config.NODE_ENV === 'production') {
    problems.push(...unfitForProduction(config))
    demand(config.RATE_LIMIT === 'on', 'RATE_LIMIT: expected on in production')
    demand(
      !config.CORS_ORIGINS.includes('*'),
      'CORS_ORIGINS: expected a list of origins in production, not *',
    )
    for (const name of ['APP_URL', ...LINK_TARGETS] as const) {
      const url = config[name]
      demand(
        url === undefined || !URL.canParse(url) || !isInClear(url),
        `${name}: expected an https URL in production; links would carry tokens in clear`,
      )
    }
  }
  return problems
}

/** Text in the one form in which it is compared. */
function canonical(name: string, text: string): string {
  if (name !== 'CORS_ORIGINS') return unbracketed(name, text)
  const origins = text.split(',').map(item => item.trim())
  return origins.map(origin => serializedOrigin(origin) ?? origin).join(',')
}

/** An IPv6 address in brackets, as URLs have it, is the same address to whoever listens or connects. */
function unbracketed(name: string, text: string): string {
  return name === 'HOST' || name === 'MAIL_SERVER' ? text.replace(/^\[([\da-f:.]+)\]$/i, '$1') : text
}

/** Text to value; text that does not fit is kept as it is, for the validator to refuse. */
function read(text: string, schema: object): unknown {
  switch ((schema as { type?: string }).type) {
    case 'integer':
      return /^\d+$/.test(text) ? Number(text) : text
    case 'boolean':
      // Flask's own examples write True, 1, yes or on.
      if (/^(true|1|yes|on)$/i.test(text)) return true
      return /^(false|0|no|off)$/i.test(text) ? false : text
    case 'array':
      return text.split(',').map(item => item.trim())
    default:
      return text
  }
}

function linkTarget(description: string) {
  return Type.Optional(Type.Refine(Type.String({ description }), isLinkTarget))
}

/** A limit that is ten times as much in development where it is not set. */
function limit(what: string, number: string) {
  const description = `${what}; ${number} by default, and ten times as many in development`
  return Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, description }))
}

function seconds(value: number, description: string, minimum = 1) {
  return Type.Integer({
    default: value,
    minimum,
    maximum: 31_536_000,
    description: `${description}, in seconds`,
  })
}

function defaultOf(schema: object): unknown {
  return annotation(schema, 'default')
}

function annotation(schema: object, name: 'default' | 'description'): unknown {
  return (schema as Record<string, unknown>)[name]
}
