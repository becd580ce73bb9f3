/** Tracks whether Redis counts, and logs one line for each change. */
import type { FastifyBaseLogger } from 'fastify'
import { type OutageLog, outageLog } from '../shared/outage-log.ts'

/** Reasons, without host, key or password; they continue a sentence that starts with "redis". */
const REASONS: readonly [RegExp, string][] = [
  [/READONLY/, 'is a read-only replica'],
  [/^(MOVED|ASK|CROSSSLOT|CLUSTERDOWN)/, 'is a node of a cluster'],
  [/NOPERM|no permissions|can't run this command/, 'denies a command to this user'],
  [/WRONGPASS|NOAUTH|invalid password/, 'refuses the user name or password'],
  [/OOM/, 'is out of memory'],
  [/DB index is out of range/, 'has no database of this number'],
  [/^LOADING/, 'is loading its data'],
  [/^(MASTERDOWN|NOREPLICAS|MISCONF)/, 'takes no writes'],
  [/certificate|altname|self[- ]signed|SSL|TLS/i, 'cannot be reached by TLS'],
  [/ENOTFOUND|EAI_AGAIN/, 'has a host name without an address'],
]

/** Replies to a command. The connection stays open after them, although Redis does not count. */
const REPLIES =
  /^(READONLY|MOVED|ASK|CROSSSLOT|CLUSTERDOWN|NOPERM|WRONGPASS|NOAUTH|OOM|ERR|LOADING|MASTERDOWN|MISCONF|NOREPLICAS)/

/** Errors of commands without a connection; they do not tell why there is none. */
const UNCONNECTED = /not ready|isn't writeable|Connection is closed/

/** Returns the reason of an ioredis error. */
export function redisReason(error: unknown): string {
  const message = (error as Error | undefined)?.message ?? ''
  const known = REASONS.find(([pattern]) => pattern.test(message))?.[1]
  return known ?? (REPLIES.test(message) ? 'refuses a command' : 'does not answer')
}

/** After a failover a connection may lead to a replica; a new connection may lead to the new primary. */
export const isReplica = (error: Error) => /READONLY/.test(error.message)

export interface RedisState extends OutageLog {
  /** Why Redis does not count, or undefined. */
  reason(): string | undefined
  /** Reports a connection error, which is then the reason of commands without a connection. */
  disconnected(error: Error): void
  /** Reports that the connection is open again. */
  connected(): void
}

export function redisState(log: FastifyBaseLogger): RedisState {
  let reason: string | undefined
  /** The last connection error. */
  let connection: Error | undefined
  const outage = outageLog(
    log,
    {
      failed: 'redis cannot be used: each instance counts limits alone',
      worked: 'redis can be used again: instances count limits together',
    },
    error => ({ reason: redisReason(error), detail: (error as Error).message }),
    { level: 'warn' },
  )
  function failed(error: unknown) {
    const isUnconnected = UNCONNECTED.test((error as Error).message)
    // During a reconnect after a refusal, the refusal stays the reason.
    if (isUnconnected && connection === undefined && reason !== undefined) return
    const cause = isUnconnected ? (connection ?? error) : error
    reason = redisReason(cause)
    outage.failed(cause)
  }
  return {
    reason: () => reason,
    failed,
    worked() {
      reason = undefined
      outage.worked()
    },
    disconnected(error) {
      if (!UNCONNECTED.test(error.message)) connection = error
      failed(error)
    },
    connected() {
      connection = undefined
    },
  }
}
