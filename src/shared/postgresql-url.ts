/**
 * Parses `postgresql:` URLs in the forms of libpq. No message contains a part of the URL, because what looks like a
 * host may be the rest of a password that is not percent-encoded.
 */
import { readFileSync } from 'node:fs'
import type { ClientConfig } from 'pg'

/** A parsed URL. */
export interface PostgresqlUrl {
  host: string | undefined
  port: number | undefined
  user: string | undefined
  password: string | undefined
  database: string | undefined
  /** Parameters of the query. */
  parameters: ReadonlyMap<string, string>
}

const ENCODE = 'a password with @, /, ?, # or % in it must be percent-encoded, such as %40 for @'

/** Parameters of libpq that affect security and that `pg` does not support. */
const UNSUPPORTED = ['hostaddr', 'service', 'passfile', 'require_auth', 'sslcrl', 'sslcrldir', 'sslpassword']

/** With these, certificate and host name are verified: the only weaker mode of `pg` is `no-verify`. */
const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify']

/** Timeouts that are sent as start-up parameters, which poolers refuse. */
const SERVER_LIMITS = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'] as const

/**
 * Parses a URL.
 *
 * @throws Error that names the fault, without any part of the URL
 */
export function parsePostgresqlUrl(databaseUrl: string): PostgresqlUrl {
  const [, authority = '', path = '', query = ''] =
    /^postgres(?:ql)?:\/\/([^/?#]*)(\/[^?#]*)?(\?[^#]*)?$/.exec(databaseUrl) ?? fail(ENCODE)
  const parts = authority.split('@')
  if (parts.length > 2 || path.includes('@') || path.lastIndexOf('/') > 0) fail(ENCODE)
  const [userinfo, hosts] = parts.length === 2 ? parts : ['', parts[0]]
  const parameters = parametersIn(query.slice(1))
  const [user, ...password] = (userinfo as string).split(':')
  const hostInUrl = /^(\[[\da-f:.]+(?:%25[^\]]*)?\]|[^:[\]]*)(?::(\d*))?$/i.exec(hosts as string)
  const several = /,/.test(`${hosts}${parameters.get('host') ?? ''}${parameters.get('port') ?? ''}`)
  if (several) fail('several hosts are not supported: name one, such as a virtual address or a proxy')
  if (hostInUrl === null) fail(ENCODE)
  const host = parameters.get('host') ?? decoded(hostInUrl[1] ?? '').replace(/^\[(.*)\]$/, '$1')
  const port = parameters.get('port') ?? hostInUrl[2] ?? ''
  if (!/^\d{0,5}$/.test(port) || Number(port) > 65_535) fail('the port must be a number up to 65535')
  if (host.startsWith('@')) fail('abstract sockets are not supported')
  return {
    host: host || undefined,
    port: port === '' ? undefined : Number(port),
    user: parameters.get('user') ?? (decoded(user ?? '') || undefined),
    password: parameters.get('password') ?? (decoded(password.join(':')) || undefined),
    database: parameters.get('dbname') ?? (decoded(path.slice(1)) || undefined),
    parameters,
  }
}

/** Whether a URL names a pooler in transaction mode (`?pgbouncer=true`, Prisma's convention). */
export const isPooled = ({ parameters }: PostgresqlUrl) => parameters.get('pgbouncer') === 'true'

/**
 * Returns the options of `pg` for a URL, without limits.
 *
 * @throws Error that names the fault, without any part of the URL
 */
export function clientConfig(url: PostgresqlUrl): ClientConfig {
  const { host, port, user, password, database, parameters } = url
  for (const name of UNSUPPORTED) if (parameters.has(name)) fail(`the parameter ${name} is not supported`)
  const pooler = parameters.get('pgbouncer')
  if (pooler !== undefined && !/^(true|false)$/.test(pooler)) fail('pgbouncer must be true or false')
  const schema = parameters.get('schema')
  if (schema !== undefined && schema !== 'public') fail('only the schema public is supported')
  const config: Record<string, unknown> = { host, port, user, password, database, ssl: sslOf(parameters) }
  for (const name of ['application_name', 'options', 'client_encoding', 'sslnegotiation', ...SERVER_LIMITS]) {
    const value = parameters.get(name)
    if (value === undefined) continue
    if (isPooled(url) && (name === 'options' || /timeout$/.test(name))) {
      fail(`${name} cannot pass a pooler: use ALTER ROLE … SET, and leave it out`)
    }
    if (/timeout$/.test(name)) wholeNumber(name, value)
    // As a string, because `pg` does not send the number 0.
    config[name] = value
  }
  const timeout = parameters.get('connect_timeout')
  if (timeout !== undefined)
    config['connectionTimeoutMillis'] = wholeNumber('connect_timeout', timeout) * 1000
  if (parameters.get('channel_binding') === 'require') config['enableChannelBinding'] = true
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined))
}

/** Returns the fault of a URL for the configuration, or undefined. Reads the certificates that it names. */
export function postgresqlUrlProblem(databaseUrl: string): string | undefined {
  try {
    clientConfig(parsePostgresqlUrl(databaseUrl))
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** Host, port and database, for the banner. */
export function describePostgresqlUrl(databaseUrl: string): string {
  const { host = 'localhost', port, database = '' } = parsePostgresqlUrl(databaseUrl)
  const shown = host.includes(':') ? `[${host}]` : host
  if (host.startsWith('/')) return `postgresql:///${database}?host=${host}`
  return `postgresql://${shown}${port === undefined ? '' : `:${port}`}/${database}`
}

function sslOf(parameters: ReadonlyMap<string, string>): ClientConfig['ssl'] {
  const mode = parameters.get('sslmode')
  if (mode !== undefined && !SSL_MODES.includes(mode)) fail(`sslmode must be one of ${SSL_MODES.join(', ')}`)
  const ssl = parameters.get('ssl')
  if (mode === 'disable' || (mode === undefined && /^(false|0)$/.test(ssl ?? ''))) return false
  const files = ['sslrootcert', 'sslcert', 'sslkey'].map(name => [name, parameters.get(name)] as const)
  const wanted = mode ?? ssl ?? parameters.get('sslnegotiation') ?? files.find(([, path]) => path)?.[1]
  if (wanted === undefined) return undefined
  const [ca, cert, key] = files.map(([name, path]) =>
    // `system` is libpq's word for the CAs that are trusted anyway.
    path === undefined || (name === 'sslrootcert' && path === 'system') ? undefined : pem(name, path),
  )
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...([mode, ssl].includes('no-verify') && { rejectUnauthorized: false }),
  }
}

function pem(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    return fail(`the file of ${name} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

function parametersIn(query: string): Map<string, string> {
  const parameters = new Map<string, string>()
  for (const pair of query === '' ? [] : query.split('&')) {
    const [name = '', ...value] = pair.split('=')
    if (!/^[a-z][a-z_]*$/i.test(name) || value.length === 0) fail(ENCODE)
    parameters.set(name, decoded(value.join('=').replaceAll('+', ' ')))
  }
  return parameters
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return fail(ENCODE)
  }
}

function wholeNumber(name: string, value: string): number {
  if (!/^\d{1,9}$/.test(value)) fail(`${name} must be a whole number`)
  return Number(value)
}

function fail(message: string): never {
  throw new Error(message)
}
