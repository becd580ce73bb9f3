/**
 * Codes that a person types from a mail. A code is never stored: it is an HMAC of what it is for, so
 * neither a reader of the database nor the holder of the token that it goes with can compute it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { deriveKey, type Secrets } from './keys.ts'

/** Makes and compares the codes of one purpose. */
export interface Codes {
  /** @param parts what the code is for; whenever one changes, so does the code */
  make(...parts: string[]): string
  /** Compares in constant time. */
  matches(code: string, ...parts: string[]): boolean
}

/**
 * Sets up codes of so many digits.
 *
 * @param secrets the first makes them, any of them vouches for them
 */
export function codes(secrets: Secrets, purpose: string, digits: number): Codes {
  const keys = secrets.map(secret => deriveKey(secret, purpose, 'code'))
  const [current] = keys as [Buffer]

  function codeBy(key: Buffer, parts: string[]): string {
    const mac = createHmac('sha256', key).update(JSON.stringify(parts)).digest()
    // 64 bits onto 10^8 values: no value is more likely than another by more than 10^-11.
    return String(mac.readBigUInt64BE() % 10n ** BigInt(digits)).padStart(digits, '0')
  }

  return {
    make: (...parts) => codeBy(current, parts),
    matches(code, ...parts) {
      const typed = Buffer.from(code)
      const matching = keys.filter(key => {
        const right = Buffer.from(codeBy(key, parts))
        return right.length === typed.length && timingSafeEqual(right, typed)
      })
      return matching.length > 0
    },
  }
}
