import { type Html, html } from '../../src/shared/html.ts'
import type { PageContext } from './layout.ts'
import {
  button,
  codeField,
  form,
  newPasswordFields,
  paragraph,
  typedAddress,
  usernameField,
  view,
} from './parts.ts'

/** Texts for a code. */
interface CodeViewWords {
  title: string
  /** Before the address of the recipient. */
  lead: string
  /** What to do with link or code. */
  next: string
  submit: string
}

/** The view after an email was requested: open the link, or enter the code with a password. */
function codeView(context: PageContext, text: CodeViewWords, actions: Html): Html {
  const { forgotten } = context.words
  const fields = [
    usernameField(),
    codeField({ form: 'code', name: 'code', label: forgotten.code, hint: forgotten.codeHint }, 8),
    ...newPasswordFields(context, 'code'),
  ]
  return view(
    'sent',
    text.title,
    html`${paragraph(text.lead, 'lead')}
${typedAddress}
${paragraph(text.next)}
${form('code', text.submit, fields)}
${paragraph(forgotten.missing, 'aside')}
${actions}`,
  )
}

/** For forgot-password and reset-password. */
export function resetCodeView(context: PageContext): Html {
  const { forgotten: text } = context.words
  const words = { title: text.sentTitle, lead: text.sentLead, next: text.sentNext, submit: text.submitCode }
  return codeView(context, words, startOver(text.again))
}

/** For pages that request a confirmation email. */
export function confirmationCodeView(context: PageContext): Html {
  const { confirmation: text, forgotten } = context.words
  const words = { title: text.resentTitle, lead: text.resentLead, next: text.resentNext, submit: text.submit }
  return codeView(context, words, startOver(forgotten.again))
}

/** For the registration: the email can be sent again, or to another address. */
export function registrationCodeView(context: PageContext): Html {
  const { registration: text, confirmation } = context.words
  const { resentNext: next, submit } = confirmation
  const actions = html`${form('resend', text.again, [], 'secondary')}
${startOver(text.another)}`
  return codeView(context, { title: text.sentTitle, lead: text.sentLead, next, submit }, actions)
}

function startOver(label: string): Html {
  return html`<div class="actions">${button('start-over', label, 'plain')}</div>`
}
