/** Detects signing secrets that a person made up. A random secret passes in any alphabet. */
import { dictionary } from '@zxcvbn-ts/language-common'

/** Runs this long occur in fewer than one of a million random secrets, even hexadecimal ones. */
const RUN = 8
const LEAST_DISTINCT = 10
const SHORTEST_WORD = 4

// NIST SP 800-107, 5.3.2, requires 112 bits of entropy for an HMAC key. These are signs of fewer.
export function isGuessable(secret: string): boolean {
  return (
    new Set(secret).size < LEAST_DISTINCT ||
    repeats(secret) ||
    hasRun(secret) ||
    lettersOfWords(secret) > secret.length / 2
  )
}

function repeats(secret: string): boolean {
  const seen = new Set<string>()
  for (let at = 0; at + RUN <= secret.length; at++) {
    const piece = secret.slice(at, at + RUN)
    if (seen.has(piece)) return true
    seen.add(piece)
  }
  return false
}

function hasRun(secret: string): boolean {
  let length = 1
  let step = 0
  for (let at = 1; at < secret.length; at++) {
    const next = secret.charCodeAt(at) - secret.charCodeAt(at - 1)
    length = next === step ? length + 1 : 2
    step = next
    if (length >= RUN && Math.abs(step) <= 1) return true
  }
  return false
}

function lettersOfWords(secret: string): number {
  let rest = secret.toLowerCase()
  let found = 0
  for (const word of wordsLongestFirst()) {
    const pieces = rest.split(word)
    found += (pieces.length - 1) * word.length
    // A separator, so that the remaining parts do not form a new word.
    rest = pieces.join('\n')
  }
  return found
}

function wordsLongestFirst(): string[] {
  return [...dictionary['diceware-common'], ...dictionary['passwords-common']]
    .filter(word => word.length >= SHORTEST_WORD)
    .sort((a, b) => b.length - a.length)
}
