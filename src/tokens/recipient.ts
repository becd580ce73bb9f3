/** Names recipients of mails without their addresses, for counts that outlive an account. */
import { createHmac } from 'node:crypto'
import { deriveKey } from './keys.ts'

/** @returns 43 characters of base64url */
export type RecipientId = (purpose: string, email: string) => string

/** @param secret the current signing secret; another one forgets all counts */
export function recipientIds(secret: string): RecipientId {
  const key = deriveKey(secret, 'mail', 'recipient')
  return (purpose, email) =>
    createHmac('sha256', key)
      .update(JSON.stringify([purpose, email]))
      .digest('base64url')
}
