/**
 * Stored hashes, looked at before a library sees them. Whoever can write a row must not be able to make a
 * log in take gigabytes or minutes, nor make it fail with anything but "wrong password".
 */
import { randomBytes } from 'node:crypto'
import type { Cost } from './argon2.ts'

/** Parameters above these come from no configuration of ours. */
const MOST: Cost = { memory: 1024 * 1024, time: 16, parallelism: 16 }

/** The one form that both libraries read, and write. Lengths in bytes are 8 to 64 of salt and 12 to 64 of hash. */
const ARGON2ID =
  /^\$argon2id\$v=19\$m=([1-9]\d{0,8}),t=([1-9]\d{0,8}),p=([1-9]\d{0,8})\$([A-Za-z\d+/]{11,86})\$([A-Za-z\d+/]{16,86})$/

/** What verifying against a stored hash costs; undefined where it is no argon2id hash in that form. */
export function costOf(stored: string): Cost | undefined {
  const match = ARGON2ID.exec(stored)
  if (match === null) return undefined
  const [, memory, time, parallelism, salt, hash] = match
  if (!isCanonical(salt as string) || !isCanonical(hash as string)) return undefined
  return { memory: Number(memory), time: Number(time), parallelism: Number(parallelism) }
}

/** Whether a stored hash is argon2id within bounds: those above, and below the least of RFC 9106 section 3.1. */
export function isAffordable(stored: string): boolean {
  const cost = costOf(stored)
  if (cost === undefined || cost.memory < 8 * cost.parallelism) return false
  return cost.memory <= MOST.memory && cost.time <= MOST.time && cost.parallelism <= MOST.parallelism
}

/** A hash that no password is known for; random bytes do, so none need be computed. */
export function dummyHash({ memory, time, parallelism }: Cost): string {
  return `$argon2id$v=19$m=${memory},t=${time},p=${parallelism}$${base64(randomBytes(16))}$${base64(randomBytes(32))}`
}

/** Whether these characters are what their bytes are written as: bits that say nothing are refused by one library. */
function isCanonical(text: string): boolean {
  return base64(Buffer.from(text, 'base64')) === text
}

/** Without padding, as in PHC strings. */
function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
