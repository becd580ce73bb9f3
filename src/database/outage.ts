/**
 * What of a database's errors is nobody's fault here and over by and by, as opposed to a query that is wrong.
 */

/** `away`: it does not answer, or not in time. `unwritable`: it is read-only, full, or its disk fails. */
export type Outage = 'away' | 'unwritable'

/** As Prisma's client names them. https://www.prisma.io/docs/orm/reference/error-reference */
const PRISMA = /^P(1001|1002|1008|1017|2024|2028|2034|2037)$/

/** What the pool and the driver of PostgreSQL say in words alone. */
const WORDS =
  /^(timeout exceeded when trying to connect|Connection terminated|Query read timeout|timeout expired|Client (was closed|has encountered a connection error) and is not queryable)/

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const POSTGRESQL: readonly [RegExp, Outage][] = [
  // Read-only, as a server that was failed over from or a standby is; a full disk; a disk that fails.
  [/^(25006|53100|58030)$/, 'unwritable'],
  // Statement and lock timeouts, shutdown, start, a crash (a database that was dropped among them), no room, no line.
  [/^(57014|55P03|57P0[1-5]|53\d{3}|08\w{3}|25P03)$/, 'away'],
]

/** Primary codes. https://sqlite.org/rescode.html */
const SQLITE: Record<number, Outage> = {
  5: 'away', // BUSY
  8: 'unwritable', // READONLY
  10: 'unwritable', // IOERR: whatever refuses a write for another reason than ENOSPC, such as a limit of the process
  13: 'unwritable', // FULL
  14: 'unwritable', // CANTOPEN: the WAL or its index cannot be made
}

/** Errors of a database, from wherever between the driver and Prisma's client. */
interface Thrown {
  name?: string
  code?: unknown
  rawCode?: unknown
  message?: string
  cause?: { kind?: string; originalCode?: string; message?: string }
  meta?: { driverAdapterError?: { cause?: Thrown['cause'] } }
}

/**
 * Tells which outage an error speaks of.
 *
 * @param error whatever was thrown
 * @returns undefined where it speaks of none
 */
export function outageOf(error: unknown): Outage | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { name, code, rawCode, message = '', cause, meta } = error as Thrown
  const driver = meta?.driverAdapterError?.cause ?? cause
  const said = saidBy(driver) ?? (typeof rawCode === 'number' ? SQLITE[rawCode & 0xff] : undefined)
  if (said) return said
  if (name === 'PrismaClientInitializationError') return 'away'
  if (typeof code === 'string' && (PRISMA.test(code) || NETWORK.test(code))) return 'away'
  // Prisma puts its own words before them.
  return message.split('\n').some(line => WORDS.test(line)) ? 'away' : undefined
}

/** Node's, where the driver passes them on. */
const NETWORK =
  /^(ECONN(REFUSED|RESET|ABORTED)|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/

const KINDS =
  /^(DatabaseNotReachable|SocketTimeout|ConnectionClosed|TransactionWriteConflict|TooManyConnections)$/

function saidBy(driver: Thrown['cause']): Outage | undefined {
  if (driver === undefined) return undefined
  const { kind = '', originalCode = '' } = driver
  if (kind === 'sqlite') return SQLITE[Number(originalCode) & 0xff]
  for (const [codes, outage] of POSTGRESQL) if (codes.test(originalCode)) return outage
  return KINDS.test(kind) ? 'away' : undefined
}
