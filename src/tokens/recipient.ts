/** Ids of email recipients that do not contain the email, for counts that outlive an account. */
import { createHmac } from 'node:crypto'
import { deriveKey } from './keys.ts'

/** Returns 43 characters of base64url. */
export type RecipientId = (purpose: string, email: string) => string

/** @param secret the current signing secret; with another one, all counts start again */
export function recipientIds(secret: string): RecipientId {
  const key = deriveKey(secret, 'mail', 'recipient')
  return (purpose, email) =>
    createHmac('sha256', key)
      .update(JSON.stringify([purpose, email]))
      .digest('base64url')
}
