/** Addresses in every state, as many as are needed for each to be asked about once. */
import { createHash } from 'node:crypto'
import argon2 from 'argon2'
import { v7 as uuidv7 } from 'uuid'
import type { PrismaClient } from '../../../src/generated/sqlite/client.ts'
import { recipientIds } from '../../../src/tokens/recipient.ts'
import { testEnvironment } from '../../harness/app.ts'

/** What an address may be. `throttled` has an account, and has had all the mails that it gets in an hour. */
export const STATES = ['unconfirmed', 'known', 'disabled', 'secured', 'throttled'] as const
/** `outdated` has an account whose hash was made at half of today's cost. */
export type State = 'unknown' | 'outdated' | (typeof STATES)[number]

/** Cost of hashes in the low-cost runs, as in the tests' environment, and in the one at production's. */
export interface Cost {
  memory: number
  time: number
}

export const PASSWORD = 'correct horse battery staple'

/**
 * The address of a person, as long as that of every other, since an answer may carry it. In the order of
 * addresses the states are mixed, as they are where people choose them.
 *
 * @param about what it is asked about, since asking changes what some addresses are
 */
export function addressOf(state: State, index: number, about = ''): string {
  const name = createHash('sha256').update(`${state} ${index} ${about}`).digest('hex')
  return `${name.slice(0, 24)}@example.org`
}

/** The purposes whose mails are capped. */
const CAPPED = ['confirmation', 'reset', 'email-change']
const recipientId = recipientIds(testEnvironment.JWT_SECRET)
const MINUTE = 60_000
/** Rows in one statement; SQLite takes 32,766 values. */
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

/** Makes so many people of each state. */
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
        // As /register files it: the life of a link and two days.
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
