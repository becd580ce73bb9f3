import { confirmEmail } from './confirm-email.ts'
import type { Page, PageContext } from './layout.ts'

/** /app/accept-invitation: the link of an invitation. Like a confirmation, with other texts. */
export function acceptInvitation(context: PageContext): Page {
  const { words } = context
  const confirmation = { ...words.confirmation, ...words.invitation }
  const page = confirmEmail({ ...context, words: { ...words, confirmation } })
  return { ...page, name: 'accept-invitation', script: 'accept-invitation' }
}
