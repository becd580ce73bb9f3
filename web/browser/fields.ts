/** What was typed, and checks that the service would make too: nothing is refused that it would take. */
import { words } from './words.ts'

export type Values = Record<string, string>
/** The sentence beside each field that is at fault. */
export type Faults = Record<string, string>

/** As src/tokens/pasted.ts reads codes: other scripts' digits, and what stands between and around them. */
const DIGITS = /^[0-9\uff10-\uff19\u0660-\u0669\u06f0-\u06f9]+$/
const AROUND_DIGITS = /[\s\p{Cf}\p{P}<>`]/gu

/** What a form's fields hold, by name. Codes lose the spaces and hyphens they were copied with. */
export function readValues(form: HTMLFormElement): Values {
  const values: Values = {}
  for (const [name, value] of new FormData(form)) values[name] = String(value)
  for (const field of inputsOf(form)) {
    if (field.dataset['digits']) values[field.name] = field.value.replace(AROUND_DIGITS, '')
    if (field.type === 'email') values[field.name] = field.value.trim()
  }
  return values
}

/** The faults that can be seen without asking. */
export function checkFields(form: HTMLFormElement, values: Values): Faults {
  const faults: Faults = {}
  for (const field of inputsOf(form)) {
    const fault = faultOf(field, values[field.name] ?? '', values)
    if (fault !== undefined) faults[field.name] = fault
  }
  return faults
}

function faultOf(field: HTMLInputElement, value: string, values: Values): string | undefined {
  const { digits } = field.dataset
  if (field.required && value === '') return words.required
  if (field.type === 'email' && !value.includes('@')) return words.emailForm
  if (digits && !(DIGITS.test(value) && value.length === Number(digits)))
    return words.codeForm(Number(digits))
  if (field.name === 'repeat' && value !== values['newPassword']) return words.repeatDiffers
  return undefined
}

function inputsOf(form: HTMLFormElement): HTMLInputElement[] {
  return [...form.querySelectorAll('input')].filter(field => field.name !== '')
}
