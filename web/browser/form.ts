/** Forms: checked and sent by script, one at a time, with words for everything that can go wrong. */
import type { Answer, Failure } from './api.ts'
import { find, isMarked, mark, tell } from './dom.ts'
import { sentenceFor } from './failure.ts'
import { checkFields, type Faults, readValues, type Values } from './fields.ts'
import './password-fields.ts'
import { words } from './words.ts'

/** What a form does. */
export interface Form<T> {
  /** Checks besides those that every form makes; the sentence beside each field at fault. */
  check?: (values: Values) => Faults
  send: (values: Values) => Promise<Answer<T>>
  done: (data: T, values: Values) => void | Promise<void>
  /** What to say beside the button when it is done. */
  said?: string
  /** Handles a failure itself, where it returns true. */
  failed?: (failure: Failure, values: Values) => boolean
  /** Beside which field a failure is said, with which sentence; beside none, it is the form's own error. */
  fieldOf?: (failure: Failure, values: Values) => Faults
}

/** For `done`, when another page comes next: the form stays busy until it is there. */
export const leaving = new Promise<never>(() => {})

/** Milliseconds until somebody who waits is told that it goes on. */
const SLOW = 6000

/**
 * Makes a form work.
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

/** Empties a form, its passwords above all. */
export function clearForm(name: string): void {
  const form = find<HTMLFormElement>(`form[data-form="${name}"]`)
  form.reset()
  showErrors(form, {})
}

/** A sentence beside a field speaks of what the field held before it was changed. */
function forgetFault(form: HTMLFormElement, name: string): void {
  // That two passwords differ is said beside the second.
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

/** Says what is wrong, beside the fields and above them, and leads to the first. */
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

/** Marks a form as busy; the buttons stay where the focus is. Returns what ends that. */
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
