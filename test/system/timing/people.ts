/** Addresses in every state, one for each measured request. */
import { createHash } from 'node:crypto'
import argon2 from 'argon2'
import { v7 as uuidv7 } from 'uuid'
import type { PrismaClient } from '../../../src/generated/sqlite/client.ts'
import { recipientIds } from '../../../src/tokens/recipient.ts'
import { testEnvironment } from '../../harness/app.ts'

/** States of an address. `throttled` has an account that has received all emails of its hour. */
export const STATES = ['unconfirmed', 'known', 'disabled', 'secured', 'throttled'] as const
/** `outdated` has an account whose hash has half of the current cost. */
export type State = 'unknown' | 'outdated' | (typeof STATES)[number]

/** Hash cost of the runs at low cost, as in other tests, and of those at production's. */
export interface Cost {
  memory: number
  time: number
}

export const PASSWORD = 'correct horse battery staple'

/**
 * The address of a person, all of equal length, because a response may carry it. Sorted by address, the states are
 * mixed, as they are in practice.
 *
 * @param about the route, because requests change the state of some addresses
 */
export function addressOf(state: State, index: number, about = ''): string {
  const name = createHash('sha256').update(`${state} ${index} ${about}`).digest('hex')
  return `${name.slice(0, 24)}@example.org`
}

/** The purposes whose emails are capped. */
const CAPPED = ['confirmation', 'reset', 'email-change']
const recipientId = recipientIds(testEnvironment.JWT_SECRET)
const MINUTE = 60_000
/** Rows per statement; SQLite takes 32,766 values. */
const BATCH = 500

/** A hash of PASSWORD at some cost. */
const hashAt = ({ memory, time }: Cost) =>
  argon2.hash(PASSWORD, {
    type: argon2.argon2id,
    memoryCost: memory,
    timeCost: time,
    parallelism: 1,
    hashLength: 32,
  })

/** Creates `count` people in each state. */
export async function makePeople(client: PrismaClient, count: number, cost: Cost) {
  const passwordHash = await hashAt(cost)
  const now = new Date()
  const ago = (minutes: number) => new Date(now.getTime() - minutes * MINUTE)
  const made = { passwordChangedAt: ago(60), emailConfirmedAt: ago(60), createdAt: ago(60) }
  const changes = {
    known: {},
    throttled: {},
    outdated: { passwordHash: await hashAt({ ...cost, memory: cost.memory / 2 }) },
    disabled: { disabledAt: ago(30) },
    secured: {
      passwordHash: `unusable ${ago(30).toISOString()}`,
      securedAt: ago(30),
      securedNoticeAt: ago(40),
    },
  }
  for (let from = 0; from < count; from += BATCH) {
    const indices = Array.from({ length: Math.min(BATCH, count - from) }, (_, i) => from + i)
    for (const [state, change] of Object.entries(changes)) {
      await client.user.createMany({
        data: indices.map(index => ({
          id: uuidv7(),
          email: addressOf(state as State, index),
          passwordHash,
          ...made,
          ...change,
        })),
      })
    }
    await client.registration.createMany({
      data: indices.map(index => ({
        id: uuidv7(),
        email: addressOf('unconfirmed', index),
        createdAt: ago(60),
        // As /register stores it: the lifetime of a link and two days.
        expiresAt: ago(-3 * 24 * 60 + 60),
      })),
    })
    await client.mailTurn.createMany({
      data: indices.flatMap(index =>
        CAPPED.map(purpose => ({
          id: recipientId(purpose, addressOf('throttled', index)),
          version: 3,
          mailId: '',
          ...{ lastAt: ago(5), secondAt: ago(10), thirdAt: ago(15) },
          expiresAt: ago(-24 * 60),
        })),
      ),
    })
  }
}
