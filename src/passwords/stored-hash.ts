/**
 * Checks stored hashes before a library gets them. A manipulated row must not make a login take gigabytes or minutes,
 * and must not make it fail with anything but "wrong password".
 */
import { randomBytes } from 'node:crypto'
import { ARGON2_MAXIMA } from '../config/environment.ts'
import type { Cost } from './argon2.ts'

/** The form that both libraries read and write: 8 to 64 bytes of salt, 12 to 64 bytes of hash. */
const ARGON2ID =
  /^\$argon2id\$v=19\$m=([1-9]\d{0,8}),t=([1-9]\d{0,8}),p=([1-9]\d{0,8})\$([A-Za-z\d+/]{11,86})\$([A-Za-z\d+/]{16,86})$/

/** Returns the cost of a stored hash, or undefined if it is no argon2id hash in that form. */
export function costOf(stored: string): Cost | undefined {
  const match = ARGON2ID.exec(stored)
  if (match === null) return undefined
  const [, memory, time, parallelism, salt, hash] = match
  if (!isCanonical(salt as string) || !isCanonical(hash as string)) return undefined
  return { memory: Number(memory), time: Number(time), parallelism: Number(parallelism) }
}

/** Whether a stored hash is argon2id within `ARGON2_MAXIMA` and the minimum of RFC 9106 section 3.1. */
export function isAffordable(stored: string): boolean {
  const cost = costOf(stored)
  if (cost === undefined || cost.memory < 8 * cost.parallelism) return false
  return (
    cost.memory <= ARGON2_MAXIMA.memory &&
    cost.time <= ARGON2_MAXIMA.time &&
    cost.parallelism <= ARGON2_MAXIMA.parallelism
  )
}

/** Returns a hash of random bytes, which no password is known for. */
export function dummyHash({ memory, time, parallelism }: Cost): string {
  return `$argon2id$v=19$m=${memory},t=${time},p=${parallelism}$${base64(randomBytes(16))}$${base64(randomBytes(32))}`
}

/** Whether the text is the canonical base64 of its bytes. One library refuses other trailing bits. */
function isCanonical(text: string): boolean {
  return base64(Buffer.from(text, 'base64')) === text
}

/** Without padding, as in PHC strings. */
function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
