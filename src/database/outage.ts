/**
 * Tells a transient outage of the database, or settings that it refuses, from a bug.
 */

/**
 * `away`: the database does not answer, or not in time. `refused`: it refuses the connection or the login until
 * somebody changes a setting. `unwritable`: it is read-only, full, or its disk fails.
 */
export type Outage = 'away' | 'refused' | 'unwritable'

/** What an outage is called in the log and at /health/ready: no host, no user, no piece of a URL. */
export interface OutageReason {
  outage: Outage
  reason: string
}

const away = (reason: string): OutageReason => ({ outage: 'away', reason })
const refused = (reason: string): OutageReason => ({ outage: 'refused', reason })
const unwritable = (reason: string): OutageReason => ({ outage: 'unwritable', reason })

const SILENT = away('does not answer')
const NO_ADDRESS = away('has a host name without an address')
const BUSY = away('is too busy')
const READ_ONLY = unwritable('cannot be written to')

/** https://www.prisma.io/docs/orm/reference/error-reference */
const PRISMA: Record<string, OutageReason> = {
  P1000: refused('refuses the user name or password'),
  P1001: SILENT,
  P1002: SILENT,
  P1003: refused('does not exist on this server'),
  P1008: BUSY,
  P1010: refused('denies access to this user'),
  P1011: refused('cannot be reached by TLS'),
  P1017: away('closed the connection'),
  P2024: BUSY,
  P2028: BUSY,
  P2034: BUSY,
  P2037: away('has no connection left'),
}

/** What the pool and the driver of PostgreSQL say in words alone. */
const WORDS: readonly [RegExp, OutageReason][] = [
  [
    /^(timeout exceeded when trying to connect|timeout expired)/,
    away('does not answer: no connection in time'),
  ],
  [/^Query read timeout/, away('does not answer in time')],
  [/^(Connection terminated|Client (was closed|has encountered a connection error))/, SILENT],
  [/^The server does not support SSL connections/, refused('does not support TLS (see sslmode)')],
  [/^There was an error establishing an SSL connection/, refused('fails in the TLS handshake')],
  // EINVAL: a path that is longer than a socket's may be, as Node 24 says.
  [/^connect (ENOENT|EINVAL)/, away('has no socket where DATABASE_URL says')],
  [/^connect EACCES/, refused('has a socket that this process may not use')],
  [/^SASL: .*password/, refused('demands a password, and DATABASE_URL has none')],
  [/^SASL: /, refused('fails in the SCRAM handshake')],
]

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const POSTGRESQL: readonly [RegExp, OutageReason][] = [
  [/^25006$/, READ_ONLY],
  [/^53100$/, unwritable('has no disk space left')],
  [/^58030$/, unwritable('has a disk that fails')],
  [/^28P01$/, refused('refuses the user name or password')],
  [/^28/, refused('denies access to this user')],
  [/^3D000$/, refused('does not exist on this server')],
  [/^40(001|P01)$/, BUSY],
  [/^57014$/, away('took too long over a statement')],
  [/^55P03$/, BUSY],
  [/^25P03$/, away('ended an idle transaction')],
  [/^57P03$/, away('is starting or recovering')],
  [/^57P0[1245]$/, away('is shutting down')],
  [/^53300$/, away('has no connection left')],
  [/^53/, away('lacks resources')],
  [/^08/, SILENT],
]

/** Messages of one SQLSTATE (28000, and PgBouncer's 08P01) that call for different changes. */
const DENIED: readonly [RegExp, OutageReason][] = [
  [/not permitted to log in/, refused('does not let this role log in (NOLOGIN)')],
  [/pg_hba\.conf.*no encryption/, refused('demands TLS (pg_hba.conf has no entry without it)')],
  [/unsupported startup parameter/, refused('is behind a pooler: DATABASE_URL lacks ?pgbouncer=true')],
  [/password|no such user/, refused('refuses the user name or password')],
  [/no such database/, refused('does not exist on this server')],
  [/pg_hba\.conf/, refused('has no entry in pg_hba.conf for this connection')],
]

/** Primary codes. https://sqlite.org/rescode.html */
const SQLITE: Record<number, OutageReason> = {
  5: BUSY, // BUSY
  8: READ_ONLY, // READONLY
  // IOERR: a refused write that is not ENOSPC, such as a limit of the process.
  10: unwritable('cannot be written to: input or output error'),
  13: unwritable('cannot be written to: the disk is full'),
  14: unwritable('cannot be written to: the WAL cannot be made'),
}

/** Node's codes, where the driver passes them on. */
const NETWORK: Record<string, OutageReason> = {
  ENOTFOUND: NO_ADDRESS,
  EAI_AGAIN: away('has a host name that DNS does not resolve now'),
  ...Object.fromEntries(
    ['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'ETIMEDOUT', 'EPIPE', 'EHOSTUNREACH', 'ENETUNREACH'].map(
      code => [code, SILENT],
    ),
  ),
}

/** Codes of Node and OpenSSL for a failed handshake. https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const TLS =
  /^(ERR_SSL_|ERR_TLS_|EPROTO$|CERT_|CRL_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|HOSTNAME_MISMATCH$|INVALID_CA$)/

/** What the messages of Node and OpenSSL say of a certificate. */
const CERTIFICATES: readonly [RegExp, string][] = [
  [/does not match certificate|altname/i, 'its certificate names another host'],
  [/expired/i, 'its certificate has expired'],
  [/not yet valid/i, 'its certificate is not valid yet'],
  [
    /self[- ]signed|unable to (verify|get)|issuer/i,
    'its certificate comes from a CA that is not trusted here',
  ],
  [/wrong version number/i, 'it answers without TLS'],
]

const KINDS: Record<string, OutageReason> = {
  AuthenticationFailed: refused('refuses the user name or password'),
  DatabaseAccessDenied: refused('denies access to this user'),
  DatabaseDoesNotExist: refused('does not exist on this server'),
  DatabaseNotReachable: SILENT,
  SocketTimeout: SILENT,
  ConnectionClosed: away('closed the connection'),
  TransactionWriteConflict: BUSY,
  TooManyConnections: away('has no connection left'),
}

/** Errors of a database, from wherever between the driver and Prisma's client. */
interface Thrown {
  name?: string
  code?: unknown
  rawCode?: unknown
  message?: string
  /** PostgreSQL's, where `pg` itself throws. */
  severity?: string
  /** Of a host name with several addresses, an error for each. */
  errors?: Error[]
  cause?: Driver
  meta?: { driverAdapterError?: { cause?: Driver } }
}

interface Driver {
  kind?: string
  originalCode?: string
  originalMessage?: string
  message?: string
  reason?: string
  severity?: string
  port?: number
}

/**
 * Tells which outage an error speaks of.
 *
 * @param error whatever was thrown
 * @returns undefined where it speaks of none
 */
export function outageOf(error: unknown): Outage | undefined {
  return outageReason(error)?.outage
}

/**
 * The same with its reason in words that fit behind "the database".
 *
 * @param error whatever was thrown
 * @returns undefined where it speaks of none
 */
export function outageReason(error: unknown): OutageReason | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { name, code, rawCode, message = '' } = error as Thrown
  const driver = driverOf(error as Thrown)
  const said = saidBy(driver) ?? (typeof rawCode === 'number' ? SQLITE[rawCode & 0xff] : undefined)
  if (said) return said
  // Prisma puts its own words before those of the driver.
  const words = message.split('\n').flatMap(line => firstMatch(WORDS, line) ?? [])[0]
  if (words) return words
  if (typeof code === 'string') {
    const known = PRISMA[code] ?? NETWORK[code] ?? (TLS.test(code) ? tlsReason(message) : undefined)
    if (known) return known
  }
  return name === 'PrismaClientInitializationError' ? SILENT : undefined
}

/** What the driver's own error is, for the log: SQLSTATE and message, or Node's code. */
export function outageDetail(error: unknown): string {
  const thrown = (error ?? {}) as Thrown
  const driver = driverOf(thrown)
  if (driver?.originalMessage) return `${driver.originalCode ?? ''} ${driver.originalMessage}`.trim()
  const message = thrown.message || thrown.errors?.[0]?.message || String(error)
  return driver?.reason ?? message.trim().split('\n').at(-1) ?? ''
}

/** What the driver said: through Prisma's client, through its adapter, or by itself. */
function driverOf({ meta, cause, severity, code, message }: Thrown): Driver | undefined {
  const driver = meta?.driverAdapterError?.cause ?? cause
  if (driver !== undefined || severity === undefined) return driver
  return { originalCode: String(code), originalMessage: message ?? '', severity }
}

function saidBy(driver: Driver | undefined): OutageReason | undefined {
  if (driver === undefined) return undefined
  const { kind = '', originalCode = '', originalMessage = '', severity } = driver
  if (kind === 'sqlite') return SQLITE[Number(originalCode) & 0xff]
  if (kind === 'TlsConnectionError')
    return firstMatch(WORDS, driver.reason ?? '') ?? tlsReason(driver.reason ?? '')
  // The adapter gives a port to a refused connection, and none to a name that was not resolved.
  if (kind === 'DatabaseNotReachable' && driver.port === undefined) return NO_ADDRESS
  if (/^(28000|08P01)$/.test(originalCode)) {
    const denied = firstMatch(DENIED, originalMessage)
    if (denied) return denied
  }
  // A FATAL error ends the connection, whatever its code: a role without CONNECT is a 42501.
  const fatal = severity === 'FATAL' ? refused('refuses the connection') : undefined
  return firstMatch(POSTGRESQL, originalCode) ?? KINDS[kind] ?? fatal
}

function tlsReason(message: string): OutageReason {
  const [, why] = CERTIFICATES.find(([pattern]) => pattern.test(message)) ?? []
  return refused(`cannot be reached by TLS: ${why ?? 'the handshake fails'}`)
}

function firstMatch(table: readonly [RegExp, OutageReason][], text: string): OutageReason | undefined {
  return table.find(([pattern]) => pattern.test(text))?.[1]
}
