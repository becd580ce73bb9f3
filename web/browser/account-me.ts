/** Who is logged in, and the language of their mails. */

import { accountForm } from './account-form.ts'
import { find } from './dom.ts'
import { onSubmit } from './form.ts'
import { callAsMe } from './session.ts'
import { mention } from './views.ts'
import { day, words } from './words.ts'

/** What GET /me answers with. */
export interface Me {
  email: string
  emailConfirmedAt: string | null
  passwordChangedAt: string
  createdAt: string
  locale: string | null
}

let me: Me | undefined

/** The address of who is logged in. */
export function myEmail(): string {
  return me?.email ?? ''
}

/** Fills in who is logged in. */
export function showMe(body: Me): void {
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

/** The form for the language of mails. */
export function mailLanguage(): void {
  onSubmit<Me>(
    'language',
    accountForm({
      send: ({ locale }) => callAsMe({ method: 'PATCH', path: 'me', body: { locale: locale || null } }),
      done: showMe,
      said: words.saved,
    }),
  )
}
