/** Reads and validates the environment. */
import { Check } from 'typebox/schema'
import { postgresqlUrlProblem } from '../shared/postgresql-url.ts'
import { sqliteUrlProblem } from '../shared/sqlite-url.ts'
import { loadEnvFile } from './env-file.ts'
import { type Config, Environment } from './environment.ts'
import { DERIVED } from './key.ts'
import { ORIGINS, serializedOrigin } from './origins.ts'
import { missingInProduction, rejectedInProduction } from './production.ts'
import { PROXIES, proxyProblem } from './proxies.ts'
import { fileVariable, SECRETS, secretsFromFiles } from './secret-files.ts'
import { isRedisUrl, LINK_TARGET, localUrl } from './urls.ts'

export type { Config }

/** All faults of the environment, one line per variable. */
export interface ConfigError extends Error {
  name: 'ConfigError'
  problems: string[]
}

/** New names of variables. Old names are read for one release. */
const RENAMED: Record<string, string> = { HASH_PATIENCE: 'HASH_QUEUE_TIMEOUT' }

/** Returns the variables of the process, completed from `.env` in the working directory. */
export function processEnvironment(): NodeJS.ProcessEnv {
  loadEnvFile('.env')
  return process.env
}

/** Returns a warning for each variable that is set by its old name. */
export function renamedVariables(env: NodeJS.ProcessEnv): { variable: string; message: string }[] {
  return Object.entries(RENAMED)
    .filter(([old]) => env[old]?.trim())
    .map(([old, name]) => ({
      variable: old,
      message: `rename ${old} to ${name}: the next release ignores ${old}`,
    }))
}

function withNewNames(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const renamed = { ...env }
  for (const [old, name] of Object.entries(RENAMED)) if (!env[name]?.trim()) renamed[name] = env[old]
  return renamed
}

/**
 * Validates an environment, in which empty values count as absent. Returns the frozen configuration.
 * @throws {ConfigError} naming every invalid variable and the expected value
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const { given, problems } = secretsFromFiles(withNewNames(env))
  const values = readAll(given)
  problems.push(...invalid(values))
  if (values['APP_URL'] === undefined && values['PORT'] === 0) {
    problems.push('APP_URL: expected where PORT is 0; the port in links would be unknown')
  }
  const missing = values['NODE_ENV'] === 'production' ? missingInProduction(given) : []
  if (problems.length === 0) {
    const config = {
      ...values,
      APP_URL: values['APP_URL'] ?? localUrl(String(values['HOST']), String(values['PORT'])),
    } as Config
    problems.push(...missing, ...inconsistencies(config))
    Object.values(config).forEach(Object.freeze)
    if (problems.length === 0) return Object.freeze(config)
  }
  throw configError([...new Set([...problems, ...missing])])
}

/**
 * Reads some variables only. The migration step and the command line need no other secret than DATABASE_URL.
 *
 * @throws {ConfigError} if one of them is invalid, or missing in production
 */
export function loadPart<Name extends keyof Config>(
  env: NodeJS.ProcessEnv,
  names: readonly Name[],
): Pick<Config, Name> {
  const { given, problems } = secretsFromFiles(env)
  const values = readAll(given)
  problems.push(...invalid(values))
  if (values['NODE_ENV'] === 'production') problems.push(...missingInProduction(given))
  const own = problems.filter(problem => names.some(name => problem.startsWith(name)))
  if (own.length > 0) throw configError(own)
  return Object.fromEntries(names.map(name => [name, values[name]])) as Pick<Config, Name>
}

/** @throws {ConfigError} if DATABASE_URL is invalid, or missing in production */
export const loadDatabaseUrl = (env: NodeJS.ProcessEnv): string =>
  loadPart(env, ['DATABASE_URL']).DATABASE_URL

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

/** Lists the variables with default and description; the source of docs/configuration.md. */
export function describeEnvironment(): { name: string; default: string; description: string }[] {
  return Object.entries(Environment.properties).flatMap(([name, schema]) => [
    {
      name,
      default: String(defaultOf(schema) ?? ''),
      description: String(annotation(schema, 'description')),
    },
    ...(SECRETS.has(name)
      ? [{ name: fileVariable(name), default: '', description: `file that holds \`${name}\`` }]
      : []),
  ])
}

function databaseUrlProblem(url: string): string | undefined {
  if (/^postgres(ql)?:/.test(url)) return postgresqlUrlProblem(url)
  return /^file:./.test(url) ? sqliteUrlProblem(url) : undefined
}

/** One variable at a time, because a compiled schema stops after eight errors. */
function invalid(values: Record<string, unknown>): string[] {
  const problems = Object.entries(Environment.properties)
    .filter(([name, schema]) => name in values && !Check(schema, values[name]))
    .map(([name]) => `${name}: expected ${expectation(name)}`)
  const { DATABASE_URL, REDIS_URL } = values
  const database = databaseUrlProblem(String(DATABASE_URL))
  if (database) problems.push(`DATABASE_URL: ${database}`)
  if (typeof REDIS_URL === 'string' && REDIS_URL.startsWith('redis') && !isRedisUrl(REDIS_URL)) {
    problems.push('REDIS_URL: expected redis[s]://[user:password@]host[:port][/number], percent-encoded')
  }
  return problems
}

function expectation(name: string): string {
  const schema: object = Environment.properties[name as keyof typeof Environment.properties]
  return `${expectedForm(name, schema)} (${annotation(schema, 'description')})`
}

function expectedForm(name: string, schema: object): string {
  const { type, minimum, maximum, minLength, anyOf, items } = schema as Record<string, unknown> & {
    anyOf?: { const: unknown }[]
  }
  if (anyOf !== undefined) return `one of ${anyOf.map(option => option.const).join(', ')}`
  if (type === 'integer') return `a whole number from ${minimum} to ${maximum}`
  if (type === 'boolean') return 'true or false'
  if (items !== undefined) return name === 'CORS_ORIGINS' ? ORIGINS : 'names of header fields'
  if (name.startsWith('ACCESS_TOKEN_PRIVATE_KEY')) return 'a P-256 key in PEM, without a passphrase'
  if ('~refine' in schema) return LINK_TARGET
  return Number(minLength) > 1 ? `at least ${minLength} characters` : 'another form'
}

function inconsistencies(config: Config): string[] {
  const problems: string[] = []
  const demand = (holds: boolean, problem: string) => {
    if (!holds) problems.push(problem)
  }
  const appUrl = URL.canParse(config.APP_URL) ? new URL(config.APP_URL) : undefined
  demand(
    appUrl !== undefined && /^https?:$/.test(appUrl.protocol) && appUrl.search === '' && appUrl.hash === '',
    'APP_URL: expected an http or https URL without query or fragment',
  )
  demand(
    appUrl === undefined || (appUrl.username === '' && appUrl.password === ''),
    'APP_URL: expected a URL without user and password, which every link in an email would contain',
  )
  // A redirect to a path that begins with two slashes leads to another host.
  demand(!appUrl?.pathname.includes('//'), 'APP_URL: expected a path without empty segments')
  // The path is also the refresh cookie's Path, which ends at a semicolon (RFC 6265, section 5.2).
  demand(!appUrl?.pathname.includes(';'), 'APP_URL: expected a path without semicolon')
  demand(
    !(config.MAIL_USE_TLS && config.MAIL_USE_SSL),
    'MAIL_USE_SSL: expected only one of MAIL_USE_SSL and MAIL_USE_TLS',
  )
  demand(
    (config.MAIL_USERNAME === undefined) === (config.MAIL_PASSWORD === undefined),
    'MAIL_PASSWORD: expected together with MAIL_USERNAME, or neither',
  )
  demand(
    config.JWT_SECRET === undefined || config.JWT_SECRET !== config.JWT_SECRET_PREVIOUS,
    'JWT_SECRET_PREVIOUS: expected a secret that differs from JWT_SECRET',
  )
  demand(
    config.OPERATOR_PORT === undefined || config.OPERATOR_PORT === 0 || config.OPERATOR_PORT !== config.PORT,
    'OPERATOR_PORT: expected another port than PORT',
  )
  demand(
    config.ARGON2_MEMORY_KIB >= 8 * config.ARGON2_PARALLELISM,
    'ARGON2_MEMORY_KIB: expected at least 8 for each lane (RFC 9106)',
  )
  const proxies = proxyProblem(config.TRUST_PROXY)
  demand(proxies === undefined, `TRUST_PROXY: expected ${PROXIES}; ${proxies}`)
  demand(
    config.ACCESS_TOKEN_PRIVATE_KEY !== undefined || config.ACCESS_TOKEN_PRIVATE_KEY_PREVIOUS !== DERIVED,
    'ACCESS_TOKEN_PRIVATE_KEY_PREVIOUS: expected another key; without ACCESS_TOKEN_PRIVATE_KEY the derived one signs',
  )
  if (config.NODE_ENV === 'production') problems.push(...rejectedInProduction(config))
  return problems
}

function canonical(name: string, text: string): string {
  // On one line, as many secret stores keep a key.
  if (name.startsWith('ACCESS_TOKEN_PRIVATE_KEY')) return text.replaceAll('\\n', '\n')
  if (name !== 'CORS_ORIGINS') return unbracketed(name, text)
  const origins = text.split(',').map(item => item.trim())
  return origins.map(origin => serializedOrigin(origin) ?? origin).join(',')
}

function unbracketed(name: string, text: string): string {
  return /^(HOST|OPERATOR_HOST|MAIL_SERVER)$/.test(name) ? text.replace(/^\[([\da-f:.]+)\]$/i, '$1') : text
}

/** Parses a value. Text of the wrong form stays as it is and fails validation. */
function read(text: string, schema: object): unknown {
  switch ((schema as { type?: string }).type) {
    case 'integer':
      return /^\d+$/.test(text) ? Number(text) : text
    case 'boolean':
      // Spellings that Flask accepts.
      if (/^(true|1|yes|on)$/i.test(text)) return true
      return /^(false|0|no|off)$/i.test(text) ? false : text
    case 'array':
      return text.split(',').map(item => item.trim())
    default:
      return text
  }
}

function defaultOf(schema: object): unknown {
  return annotation(schema, 'default')
}

function annotation(schema: object, name: 'default' | 'description'): unknown {
  return (schema as Record<string, unknown>)[name]
}
