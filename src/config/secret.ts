/**
 * Whether a signing secret looks drawn at random. It can only be told of what somebody made up: a secret
 * that is all random passes, whatever alphabet it is written in.
 */
import { dictionary } from '@zxcvbn-ts/language-common'

/** So many characters in a row are chance in less than one random secret of a million, hexadecimal ones too. */
const RUN = 8
const LEAST_DISTINCT = 10
const SHORTEST_WORD = 4

/**
 * Whether somebody could guess it: few distinct characters, a pattern that repeats, a run such as
 * `12345678` or `hgfedcba`, or words for more than half of it. NIST SP 800-107, 5.3.2, asks for an HMAC key
 * of at least 112 bits of entropy.
 */
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

/** Characters that count up, count down or stay the same. */
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

/** How many characters words account for, whatever their case and what stands between them. */
function lettersOfWords(secret: string): number {
  let rest = secret.toLowerCase()
  let found = 0
  for (const word of wordsLongestFirst()) {
    const pieces = rest.split(word)
    found += (pieces.length - 1) * word.length
    // A line break is in no secret: what is left on both sides of a word makes no new one.
    rest = pieces.join('\n')
  }
  return found
}

/** Of passphrases and of passwords. Made when asked for: only production asks, and once for each secret. */
function wordsLongestFirst(): string[] {
  return [...dictionary['diceware-common'], ...dictionary['passwords-common']]
    .filter(word => word.length >= SHORTEST_WORD)
    .sort((a, b) => b.length - a.length)
}
