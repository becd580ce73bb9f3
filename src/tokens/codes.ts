/**
 * Codes that a person copies from an email. A code is not stored: it is an HMAC, so that neither a reader of the
 * database nor the holder of its token can compute it.
 */
import { createHmac } from 'node:crypto'
import { equalInConstantTime } from '../shared/constant-time.ts'
import { deriveKey, type Secrets } from './keys.ts'

/** Creates and compares the codes of one purpose. */
export interface Codes {
  /** @param parts what the code is for; the code changes with any of them */
  make(...parts: string[]): string
  /** Compares in constant time. */
  matches(code: string, ...parts: string[]): boolean
}

/**
 * Sets up codes of a number of digits.
 *
 * @param secrets the first one creates codes, all verify them
 */
export function codes(secrets: Secrets, purpose: string, digits: number): Codes {
  const keys = secrets.map(secret => deriveKey(secret, purpose, 'code'))
  const [current] = keys as [Buffer]

  function codeBy(key: Buffer, parts: string[]): string {
    const mac = createHmac('sha256', key).update(JSON.stringify(parts)).digest()
    // 64 bits modulo 10^8: the bias is below 10^-11.
    return String(mac.readBigUInt64BE() % 10n ** BigInt(digits)).padStart(digits, '0')
  }

  return {
    make: (...parts) => codeBy(current, parts),
    matches(code, ...parts) {
      // `filter` and not `some`: every key is tried, so that the time does not tell which one matched.
      return keys.filter(key => equalInConstantTime(codeBy(key, parts), code)).length > 0
    },
  }
}
