/** Forms: validated and sent by script, one at a time, with a text for every failure. */
import type { Answer, Failure } from './api.ts'
import { find, isMarked, mark, tell } from './dom.ts'
import { sentenceFor } from './failure.ts'
import { checkFields, type Faults, readValues, type Values } from './fields.ts'
import './password-fields.ts'
import { words } from './words.ts'

/** Behaviour of a form. */
export interface Form<T> {
  /** Additional checks; returns error texts by field. */
  check?: (values: Values) => Faults
  send: (values: Values) => Promise<Answer<T>>
  done: (data: T, values: Values) => void | Promise<void>
  /** Text beside the button after success. */
  said?: string
  /** Handles a failure itself if it returns true. */
  failed?: (failure: Failure, values: Values) => boolean
  /** Field and text of a failure; without a field, it is the form's own error. */
  fieldOf?: (failure: Failure, values: Values) => Faults
}

/** Result of `done` if another page follows: the form stays busy until it is loaded. */
export const leaving = new Promise<never>(() => {})

/** Milliseconds until a text says that the request is still running. */
const SLOW = 6000

/**
 * Initialises a form.
 *
 * @param name its `data-form`
 */
export function onSubmit<T>(name: string, { check, send, done, said = '', failed, fieldOf }: Form<T>): void {
  const form = find<HTMLFormElement>(`form[data-form="${name}"]`)
  form.addEventListener('input', event => forgetFault(form, (event.target as HTMLInputElement).name))
  form.addEventListener('submit', async event => {
    event.preventDefault()
    if (isMarked(form, 'aria-busy')) return
    const values = readValues(form)
    const faults = { ...check?.(values), ...checkFields(form, values) }
    showErrors(form, faults)
    if (Object.keys(faults).length > 0) return

    const idle = becomeBusy(form)
    const answer = await send(values)
    if (answer.ok) {
      await done(answer.data, values)
      idle()
      find('[data-progress]', form).textContent = said
      return
    }
    idle()
    const failure = answer.problem
    if (failed?.(failure, values)) return
    const beside = fieldOf?.(failure, values) ?? {}
    showErrors(form, beside, Object.keys(beside).length === 0 ? sentenceFor(failure) : '')
  })
}

/** Empties a form, especially its passwords. */
export function clearForm(name: string): void {
  const form = find<HTMLFormElement>(`form[data-form="${name}"]`)
  form.reset()
  showErrors(form, {})
}

/** An error beside a field refers to its value before the change. */
function forgetFault(form: HTMLFormElement, name: string): void {
  // Two different passwords are reported beside the second.
  for (const changed of name === 'newPassword' ? [name, 'repeat'] : [name]) sayBeside(form, changed, '')
}

function sayBeside(form: HTMLFormElement, name: string, fault: string): HTMLElement | undefined {
  const place = form.querySelector<HTMLElement>(`[data-error-for="${name}"]`)
  if (place === null) return undefined
  const field = form.elements.namedItem(name) as HTMLInputElement
  tell(place, fault)
  mark(field, 'aria-invalid', fault !== '')
  return field
}

/** Shows the errors beside the fields and above them, and focuses the first. */
function showErrors(form: HTMLFormElement, faults: Faults, general = ''): void {
  tell(find('[data-error]', form), general)
  let first: HTMLElement | undefined
  for (const place of form.querySelectorAll<HTMLElement>('[data-error-for]')) {
    const name = place.dataset['errorFor'] ?? ''
    const fault = faults[name] ?? ''
    const field = sayBeside(form, name, fault)
    if (fault !== '') first ??= field
  }
  first?.focus()
}

/** Marks a form as busy without moving the focus. Returns a function that ends the state. */
function becomeBusy(form: HTMLFormElement): () => void {
  const progress = find('[data-progress]', form)
  mark(form, 'aria-busy', true)
  const buttons = form.querySelectorAll<HTMLButtonElement>('button[type=submit]')
  for (const button of buttons) mark(button, 'aria-disabled', true)
  progress.textContent = words.busy
  const slow = setTimeout(() => {
    progress.textContent = words.slow
  }, SLOW)
  return () => {
    clearTimeout(slow)
    mark(form, 'aria-busy', false)
    for (const button of buttons) mark(button, 'aria-disabled', false)
    progress.textContent = ''
  }
}
