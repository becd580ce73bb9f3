/** Whether Redis counts, and if not why: one line in the log for each change. */
import type { FastifyBaseLogger } from 'fastify'
import { type OutageLog, outageLog } from '../shared/outage-log.ts'

/** What Redis says, in words that fit behind "redis": no host, no key, no password. */
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

/** Answers to a command. After them the connection goes on, which says nothing of whether Redis counts. */
const REPLIES =
  /^(READONLY|MOVED|ASK|CROSSSLOT|CLUSTERDOWN|NOPERM|WRONGPASS|NOAUTH|OOM|ERR|LOADING|MASTERDOWN|MISCONF|NOREPLICAS)/

/** There is no connection, which says nothing of why. */
const UNCONNECTED = /not ready|isn't writeable|Connection is closed/

/** The reason in an error of ioredis. */
export function redisReason(error: unknown): string {
  const message = (error as Error | undefined)?.message ?? ''
  const known = REASONS.find(([pattern]) => pattern.test(message))?.[1]
  return known ?? (REPLIES.test(message) ? 'refuses a command' : 'does not answer')
}

/** A failover leaves connections to what is now a replica: another connection may lead to the new primary. */
export const isReplica = (error: Error) => /READONLY/.test(error.message)

export interface RedisState extends OutageLog {
  /** Why Redis does not count; undefined while it does. */
  reason(): string | undefined
  /** To be told of an error of the connection: it explains why commands find none. */
  disconnected(error: Error): void
  /** To be told that the connection is there again. */
  connected(): void
}

export function redisState(log: FastifyBaseLogger): RedisState {
  let reason: string | undefined
  /** Why there is no connection. */
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
    // While it reconnects after a refusal, the refusal is still the reason.
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
