/** Tells transient outages and refused settings from bugs. */

// away: no response in time. refused: connection or login refused until a setting changes. unwritable:
// read-only, full or failing disk.
export type Outage = 'away' | 'refused' | 'unwritable'

/** Name of an outage in the log and at /health/ready, without host, user or any part of a URL. */
interface OutageReason {
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

/** Errors of the pool and the driver of PostgreSQL that have no code. */
const WORDS: readonly [RegExp, OutageReason][] = [
  [
    /^(timeout exceeded when trying to connect|timeout expired)/,
    away('does not answer: no connection in time'),
  ],
  [/^Query read timeout/, away('does not answer in time')],
  [/^(Connection terminated|Client (was closed|has encountered a connection error))/, SILENT],
  [/^The server does not support SSL connections/, refused('does not support TLS (see sslmode)')],
  [/^There was an error establishing an SSL connection/, refused('fails in the TLS handshake')],
  // EINVAL: Node 24, for a socket path that is too long.
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

/** Messages that share a SQLSTATE (28000; 08P01 of PgBouncer) but need different fixes. */
const DENIED: readonly [RegExp, OutageReason][] = [
  [/not permitted to log in/, refused('does not let this role log in (NOLOGIN)')],
  [/pg_hba\.conf.*no encryption/, refused('demands TLS (pg_hba.conf has no entry without it)')],
  [/unsupported startup parameter/, refused('is behind a pooler: DATABASE_URL lacks ?pgbouncer=true')],
  [/password|no such user/, refused('refuses the user name or password')],
  [/no such database/, refused('does not exist on this server')],
  [/pg_hba\.conf/, refused('has no entry in pg_hba.conf for this connection')],
]

/** Primary result codes. https://sqlite.org/rescode.html */
const SQLITE: Record<number, OutageReason> = {
  5: BUSY, // BUSY
  8: READ_ONLY, // READONLY
  // IOERR: a write refused for another reason than ENOSPC, such as a process limit.
  10: unwritable('cannot be written to: input or output error'),
  13: unwritable('cannot be written to: the disk is full'),
  14: unwritable('cannot be opened: the file or its WAL'),
}

const NETWORK: Record<string, OutageReason> = {
  ENOTFOUND: NO_ADDRESS,
  EAI_AGAIN: away('has a host name that DNS does not resolve now'),
  ...Object.fromEntries(
    ['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'ETIMEDOUT', 'EPIPE', 'EHOSTUNREACH', 'ENETUNREACH'].map(
      code => [code, SILENT],
    ),
  ),
}

// Codes of Node and OpenSSL for a failed handshake.
// https://nodejs.org/api/tls.html#x509-certificate-error-codes
const TLS =
  /^(ERR_SSL_|ERR_TLS_|EPROTO$|CERT_|CRL_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|HOSTNAME_MISMATCH$|INVALID_CA$)/

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

/** An error of the database, thrown anywhere between the driver and Prisma's client. */
interface Thrown {
  name?: string
  code?: unknown
  rawCode?: unknown
  message?: string
  /** Set by PostgreSQL, if `pg` itself throws. */
  severity?: string
  /** One error per address of the host name. */
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

/** Returns the kind of outage that an error means, or undefined if it is a bug. */
export function outageOf(error: unknown): Outage | undefined {
  return outageReason(error)?.outage
}

/** Returns the same with a reason that completes "the database …". */
export function outageReason(error: unknown): OutageReason | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { name, code, rawCode, message = '' } = error as Thrown
  const driver = driverOf(error as Thrown)
  const fromDriver =
    driverReason(driver) ?? (typeof rawCode === 'number' ? SQLITE[rawCode & 0xff] : undefined)
  if (fromDriver) return fromDriver
  // Prisma puts its own text in front of the driver's.
  const words = message.split('\n').flatMap(line => firstMatch(WORDS, line) ?? [])[0]
  if (words) return words
  if (typeof code === 'string') {
    const byCode = PRISMA[code] ?? NETWORK[code] ?? (TLS.test(code) ? tlsReason(message) : undefined)
    if (byCode) return byCode
  }
  return name === 'PrismaClientInitializationError' ? SILENT : undefined
}

/** Returns the driver's own error for the log: SQLSTATE and message, or Node's code. */
export function outageDetail(error: unknown): string {
  const thrown = (error ?? {}) as Thrown
  const driver = driverOf(thrown)
  if (driver?.originalMessage) return `${driver.originalCode ?? ''} ${driver.originalMessage}`.trim()
  const message = thrown.message || thrown.errors?.[0]?.message || String(error)
  return driver?.reason ?? message.trim().split('\n').at(-1) ?? ''
}

/** Whether PostgreSQL rolled a transaction back to end a deadlock. */
export function isDeadlock(error: unknown): boolean {
  return driverOf((error ?? {}) as Thrown)?.originalCode === '40P01'
}

function driverOf({ meta, cause, severity, code, message }: Thrown): Driver | undefined {
  const driver = meta?.driverAdapterError?.cause ?? cause
  if (driver !== undefined || severity === undefined) return driver
  return { originalCode: String(code), originalMessage: message ?? '', severity }
}

function driverReason(driver: Driver | undefined): OutageReason | undefined {
  if (driver === undefined) return undefined
  const { kind = '', originalCode = '', originalMessage = '', severity } = driver
  if (kind === 'sqlite') return SQLITE[Number(originalCode) & 0xff]
  if (kind === 'TlsConnectionError')
    return firstMatch(WORDS, driver.reason ?? '') ?? tlsReason(driver.reason ?? '')
  // The adapter sets a port for a refused connection, but not for an unresolved name.
  if (kind === 'DatabaseNotReachable' && driver.port === undefined) return NO_ADDRESS
  if (/^(28000|08P01)$/.test(originalCode)) {
    const denied = firstMatch(DENIED, originalMessage)
    if (denied) return denied
  }
  // A FATAL error ends the connection whatever its code: a role without CONNECT gets 42501.
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
