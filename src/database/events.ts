/**
 * The history of accounts: an append-only record of what happened to them, written in the transaction of
 * what it records. It never holds a secret.
 */
import { v7 as uuidv7 } from 'uuid'
import type { Event, Prisma, PrismaClient } from '../generated/sqlite/client.ts'

/** What can happen to an account. */
export const EVENT_KINDS = [
  'registered',
  'confirmed',
  'logged_in',
  'log_in_refused',
  'refresh_token_reused',
  'reset_requested',
  'password_reset',
  'password_changed',
  'email_changed',
  'session_ended',
  'secured',
  'exported',
  'deleted',
] as const
export type EventKind = (typeof EVENT_KINDS)[number]

/** Where a request came from. */
export interface Origin {
  ip: string | null
  /** Such as "Firefox on Linux". */
  device: string | null
  requestId: string | null
}

export type { Event }

/** Queries about the history. */
export type Events = ReturnType<typeof events>

/** Logs in, or does what answers with a session. */
const ARRIVALS: EventKind[] = ['confirmed', 'logged_in']

/** Writes one event; the same within a transaction and outside of one. */
export function recordEvent(
  tx: Prisma.TransactionClient,
  event: { userId: string | null; kind: EventKind; at: Date; origin: Origin },
) {
  const { origin, ...rest } = event
  return tx.event.create({ data: { ...rest, ...origin, id: uuidv7() } })
}

/** Whether the account was logged in to from such a device before. */
export async function isKnownDevice(tx: Prisma.TransactionClient, userId: string, device: string | null) {
  return (await tx.event.findFirst({ where: { userId, device, kind: { in: ARRIVALS } } })) !== null
}

/** @param client the database */
export function events(client: PrismaClient) {
  return {
    /** Records what changed nothing else. Nothing for an account that is gone: its history names nobody. */
    record: (event: { userId: string; kind: EventKind; at: Date; origin: Origin }) =>
      client.$transaction(async tx => {
        // An update and no read: it waits for a deletion that is under way.
        const { count } = await tx.user.updateMany({
          where: { id: event.userId },
          data: { id: event.userId },
        })
        if (count === 1) await recordEvent(tx, event)
      }),

    /**
     * One page of an account's history, newest first.
     *
     * @param before id of the last event of the page before
     */
    page: (userId: string, limit: number, before?: string) =>
      client.event.findMany({
        where: { userId, ...(before !== undefined && { id: { lt: before } }) },
        orderBy: { id: 'desc' },
        take: limit,
      }),

    all: (userId: string) => client.event.findMany({ where: { userId }, orderBy: { id: 'asc' } }),

    purgeOlder: (than: Date) => client.event.deleteMany({ where: { at: { lt: than } } }),
  }
}
