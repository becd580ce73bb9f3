/** The email typed on one page, for the form of the next page in this tab. */
import { drop, keep, recall } from './storage.ts'

const KEY = 'latchkey.email'
const FIELDS = 'form [name="email"]'

/** Stores an email for the next page. */
export function carryEmail(email: string): void {
  if (email !== '') keep(KEY, email)
}

/** Fills empty fields with the email of the previous page, and stores what is typed here when a link is followed. */
export function carryEmails(): void {
  const email = recall(KEY) ?? ''
  for (const field of fields()) {
    if (field.value === '') field.value = email
    drop(KEY)
  }
  document.addEventListener('click', event => {
    const link = event.target instanceof Element && event.target.closest('a[href]')
    if (link) carryEmail(fields().find(isShown)?.value.trim() ?? '')
  })
}

function fields(): HTMLInputElement[] {
  return [...document.querySelectorAll<HTMLInputElement>(FIELDS)]
}

function isShown(field: HTMLInputElement): boolean {
  return field.offsetParent !== null
}
