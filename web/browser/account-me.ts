/** The profile of the account, and the language of its emails. */

import { accountForm } from './account-form.ts'
import { client } from './api.ts'
import type { User } from './client.ts'
import { find } from './dom.ts'
import { onSubmit } from './form.ts'
import { mention } from './views.ts'
import { day, words } from './words.ts'

let me: User | undefined

/** The email of the account. */
export function myEmail(): string {
  return me?.email ?? ''
}

/** Fills in the profile. */
export function showMe(body: User): void {
  me = body
  mention(body.email)
  const confirmed = body.emailConfirmedAt
  const facts = {
    email: body.email,
    emailConfirmedAt: confirmed === null ? words.notConfirmed : day(confirmed),
    createdAt: day(body.createdAt),
    passwordChangedAt: day(body.passwordChangedAt),
  }
  for (const [name, text] of Object.entries(facts)) find(`[data-me="${name}"]`).textContent = text
  const select = find<HTMLSelectElement>('#language-locale')
  const tags = [...select.options].map(option => option.value)
  const [primary = ''] = (body.locale ?? '').toLowerCase().split('-')
  select.value = tags.includes(primary) ? primary : ''
}

/** The form for the language of emails. */
export function mailLanguage(): void {
  onSubmit(
    'language',
    accountForm({
      send: ({ locale }) => client.updateMe({ locale: locale || null }),
      done: showMe,
      said: words.saved,
    }),
  )
}
