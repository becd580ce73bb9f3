/** Password fields: a switch that shows the value, and an estimate of a new password. */
import { find } from './dom.ts'
import { estimate } from './strength.ts'
import { words } from './words.ts'

/** Milliseconds after the last key, so that a screen reader does not announce every change. */
const PAUSE = 400

for (const button of document.querySelectorAll<HTMLButtonElement>('[data-act="show-password"]')) {
  const field = find<HTMLInputElement>('input', button.parentElement ?? document)
  const label = document.querySelector(`label[for="${field.id}"]`)?.textContent ?? ''
  const showIt = (shown: boolean) => {
    field.type = shown ? 'text' : 'password'
    button.setAttribute('aria-pressed', String(shown))
    const act = shown ? words.hide : words.show
    button.textContent = act
    // Names the field for screen readers.
    button.setAttribute('aria-label', `${act}: ${label}`)
  }
  showIt(false)
  button.hidden = false
  button.addEventListener('click', () => showIt(field.type === 'password'))
  // Browsers restore the values of text fields, and a visible password should not stay.
  field.form?.addEventListener('submit', () => showIt(false))
}

for (const place of document.querySelectorAll<HTMLElement>('[data-strength-for]')) {
  const field = find<HTMLInputElement>(`#${place.dataset['strengthFor']}`)
  let pause: number | undefined
  field.addEventListener('input', () => {
    clearTimeout(pause)
    const username = field.form?.querySelector<HTMLInputElement>('[autocomplete="username"]')
    const { level, missing } = estimate(field.value, username?.value ?? '')
    place.dataset['level'] = level
    pause = setTimeout(() => {
      place.textContent =
        level === 'none' ? '' : missing > 0 ? words.strength.tooShort(missing) : words.strength[level]
    }, PAUSE)
  })
  field.form?.addEventListener('reset', () => {
    place.textContent = ''
    place.dataset['level'] = 'none'
  })
}
