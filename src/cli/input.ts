/** Parses values of options. */
import { isStorableTime, TIME_RANGE } from '../shared/time.ts'
import { type Input, usageError } from './command.ts'

const DAY_MS = 86_400_000

/** A whole number from 1 to `most`. */
export function readLimit(input: Input, byDefault: number, most: number): number {
  const text = input.optional('limit')
  if (text === undefined) return byDefault
  const number = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (number < 1 || number > most) throw usageError(`--limit: expected a whole number from 1 to ${most}.`)
  return number
}

/** One of a list of names; undefined if the option is missing. */
export function readChoice<Name extends string>(
  input: Input,
  option: string,
  names: readonly Name[],
): Name | undefined {
  const text = input.optional(option)
  if (text === undefined || names.includes(text as Name)) return text as Name | undefined
  throw usageError(`--${option}: expected one of ${names.join(', ')}.`)
}

/** A time: a date, an ISO 8601 date and time (UTC unless it has a zone), or days from now such as `90d`. */
export const readDeadline = (input: Input, option: string, now: Date) => readTime(input, option, now, DAY_MS)

/** The same, but `90d` is 90 days ago. */
export const readPast = (input: Input, option: string, now: Date) => readTime(input, option, now, -DAY_MS)

function readTime(input: Input, option: string, now: Date, dayMs: number): Date | undefined {
  const text = input.optional(option)
  if (text === undefined) return undefined
  const days = /^(\d{1,4})d$/.exec(text)?.[1]
  if (days !== undefined) return new Date(now.getTime() + Number(days) * dayMs)
  const [, date = '', time = 'T00:00', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)?(Z|[+-]\d\d:\d\d)?$/.exec(text) ?? []
  const at = new Date(`${date}${time}${zone}`)
  // JavaScript reads the 31st of February as the 3rd of March.
  if (Number.isNaN(at.getTime()) || !new Date(`${date}T00:00Z`).toISOString().startsWith(date)) {
    throw usageError(
      `--${option}: expected a date such as 2027-01-31, a time such as 2027-01-31T09:30Z, or days such as 90d.`,
    )
  }
  if (!isStorableTime(at)) throw usageError(`--${option}: expected a time ${TIME_RANGE}.`)
  return at
}

/** The cursor of a page, which must match `pattern`. */
export function readCursor(input: Input, pattern: string): string | undefined {
  const cursor = input.optional('cursor')
  if (cursor === undefined || new RegExp(pattern).test(cursor)) return cursor
  throw usageError('--cursor: expected the cursor that the last page ended with.')
}

export const limitOption = (byDefault: number) => ({
  limit: { value: 'number', description: `at most this many; ${byDefault} by default` },
})
