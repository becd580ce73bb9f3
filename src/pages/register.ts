import { html } from '../html.ts'
import { linkTo, type Page, type PageContext } from './layout.ts'
import {
  button,
  emailField,
  form,
  heading,
  newPasswordFields,
  paragraph,
  typedAddress,
  view,
} from './parts.ts'

/** /app/register. */
export function register(context: PageContext): Page {
  const { words } = context
  const { registration: text } = words
  const fields = [
    emailField({ form: 'register', name: 'email', label: words.email }),
    // Where the address is confirmed first, the password is chosen behind the link.
    ...(context.confirmsAddresses ? [] : newPasswordFields(context, 'register')),
  ]
  return {
    name: 'register',
    title: text.title,
    script: 'register',
    body: html`${heading(text.title)}
<div class="card">
${[
  view(
    'form',
    text.title,
    html`${context.confirmsAddresses ? paragraph(text.lead, 'lead') : html``}
${form('register', text.submit, fields)}
<p class="aside">${text.haveAccount} ${linkTo(context, '/login', words.logIn)}</p>`,
    true,
  ),
  view(
    'sent',
    text.sentTitle,
    html`${paragraph(text.sentLead, 'lead')}
${typedAddress}
${[text.sentNext, text.sentMissing].map(one => paragraph(one))}
${form('resend', text.again, [], 'secondary')}
<div class="actions">${button('start-over', text.another, 'plain')}</div>`,
  ),
  view(
    'done',
    text.doneTitle,
    html`${paragraph(text.doneLead, 'lead')}
<p class="actions">${linkTo(context, '/login', words.logIn, 'button primary')}</p>`,
  ),
]}
</div>`,
  }
}
