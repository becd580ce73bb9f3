/** Values of fields, and checks that the service makes too: nothing is rejected that the service would accept. */
import { words } from './words.ts'

export type Values = Record<string, string>
/** Error texts by field. */
export type Faults = Record<string, string>

/** Accepts codes as src/tokens/pasted.ts does: digits of other scripts, and characters between and around them. */
const DIGITS = /^[0-9\uff10-\uff19\u0660-\u0669\u06f0-\u06f9]+$/
const AROUND_DIGITS = /[\s\p{Cf}\p{P}<>`]/gu

/** Values of a form's fields, by name. Spaces and hyphens are removed from codes. */
export function readValues(form: HTMLFormElement): Values {
  const values: Values = {}
  for (const [name, value] of new FormData(form)) values[name] = String(value)
  for (const field of inputsOf(form)) {
    if (field.dataset['digits']) values[field.name] = field.value.replace(AROUND_DIGITS, '')
    if (field.type === 'email') values[field.name] = field.value.trim()
  }
  return values
}

/** Errors that can be detected without a request. */
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
