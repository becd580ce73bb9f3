/** Emailed codes: which code is entered, and whether it is right. */
import { newest, type Run } from './run.ts'
import { type Account, printOf, type State } from './state.ts'

/** The right code of a request if its email arrived, otherwise another or an invented one. */
export function codeFor(run: Run, challenge: string, right: boolean, other: number, digits: number) {
  const { codes } = run.held
  const own = codes.find(({ name }) => run.states[0]?.codes[name]?.challenge === challenge)
  const fitting = codes.filter(({ value }) => value.length === digits)
  const stranger = other % 3 === 0 ? undefined : newest(fitting, other)
  return (right ? own : stranger) ?? { name: 'of nothing', value: '0'.repeat(digits) }
}

/**
 * Whether a code belongs to a request.
 *
 * @param subject the account or registration that the code would be for
 */
export function isRight(
  state: State,
  name: string,
  challenge: string,
  subject: (Pick<Account, 'id' | 'email' | 'hash'> & Partial<Account>) | undefined,
): boolean {
  const code = state.codes[name]
  if (code === undefined || subject === undefined) return false
  return code.challenge === challenge && code.subject === subject.id && code.print === printOf(subject)
}
