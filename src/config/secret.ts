/** Detects signing secrets that a person made up. A random secret passes in any alphabet. */
import { dictionary } from '@zxcvbn-ts/language-common'

/** Runs this long occur in fewer than one of a million random secrets, even hexadecimal ones. */
const RUN = 8
const LEAST_DISTINCT = 10
const SHORTEST_WORD = 4
const WORDS = [...dictionary['diceware-common'], ...dictionary['passwords-common']].filter(
  word => word.length >= SHORTEST_WORD,
)
/** NIST SP 800-107, 5.3.2, for the key of an HMAC. Everybody can test guesses offline (docs/threat-model.md). */
const MIN_BITS = 112
/** A UUID of a clock, a name or a counter; version 4 is random. */
const PREDICTABLE_UUID = /[\da-f]{8}-[\da-f]{4}-[1235678][\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}/i

export function isGuessable(secret: string): boolean {
  return (
    new Set(secret).size < LEAST_DISTINCT ||
    repeats(secret) ||
    hasRun(secret) ||
    PREDICTABLE_UUID.test(secret) ||
    isMadeOfWords(secret)
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

/** Whether words make up more than half of the secret, or the rest leaves too few bits. */
function isMadeOfWords(secret: string): boolean {
  let rest = secret.toLowerCase()
  let found = 0
  const longestFirst = WORDS.filter(word => rest.includes(word)).sort((a, b) => b.length - a.length)
  for (const word of longestFirst) {
    const pieces = rest.split(word)
    found += pieces.length - 1
    // A separator, so that the remaining parts do not form a new word.
    rest = pieces.join('\n')
  }
  const others = rest.replaceAll('\n', '')
  const bits = found * Math.log2(WORDS.length) + others.length * Math.log2(alphabetOf(secret))
  return secret.length - others.length > secret.length / 2 || bits < MIN_BITS
}

/** How many characters a random secret of this alphabet could have in each place. */
function alphabetOf(secret: string): number {
  if (/^[\da-f]+$/i.test(secret)) return /[a-f]/i.test(secret) ? 16 : 10
  const ranges = [/\d/, /[a-z]/, /[A-Z]/]
  const sizes = [10, 26, 26].filter((_, index) => ranges[index]?.test(secret))
  const marks = new Set(secret.replace(/[\da-z]/gi, '')).size
  return sizes.reduce((sum, size) => sum + size, marks)
}
