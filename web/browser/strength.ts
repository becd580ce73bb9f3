/**
 * A simple estimate of a password, as advice only: the service decides. It counts the characters that are hard to
 * guess: repetitions, sequences (abc, 321) and parts of the address count for little.
 */
import { minLength, service } from './settings.ts'

export interface Estimate {
  level: 'none' | 'weak' | 'fair' | 'strong'
  /** Characters missing to the minimum length. */
  missing: number
}

/** Parts of passwords that attackers try first. The service knows all of them. */
const COMMON = [
  'password',
  'passwort',
  'qwerty',
  'qwertz',
  'azerty',
  'iloveyou',
  'letmein',
  'welcome',
  'admin',
]
/** In characters that are hard to guess. */
const FAIR = 10
const STRONG = 14

export function estimate(password: string, email: string): Estimate {
  const length = [...password.normalize('NFC')].length
  if (length === 0) return { level: 'none', missing: 0 }
  const missing = Math.max(0, minLength - length)
  const own = [service, ...email.split(/[@.]/)].map(part => part.toLowerCase())
  const known = [...COMMON, ...own.filter(part => part.length > 3)]
  const unknown = known.reduce((rest, part) => rest.replaceAll(part, ' '), password.toLowerCase())
  const worth = hardToGuess([...unknown])
  if (missing > 0 || worth < FAIR) return { level: 'weak', missing }
  return { level: worth < STRONG ? 'fair' : 'strong', missing }
}

function hardToGuess(characters: string[]): number {
  let worth = 0
  const seen = new Map<string, number>()
  characters.forEach((character, i) => {
    const step = code(character) - code(characters[i - 1])
    const before = code(characters[i - 1]) - code(characters[i - 2])
    const runsOn = Math.abs(step) <= 1 && step === before
    const times = (seen.get(character) ?? 0) + 1
    seen.set(character, times)
    worth += runsOn ? 0.2 : times > 3 ? 0.5 : 1
  })
  return worth
}

function code(character = ''): number {
  return character.codePointAt(0) ?? Number.NaN
}
