import { html } from '../../src/shared/html.ts'
import { confirmationCodeView } from './code-view.ts'
import { linkTo, type Page, type PageContext } from './layout.ts'
import {
  emailField,
  form,
  heading,
  newPasswordFields,
  paragraph,
  typedAddress,
  usernameField,
  view,
} from './parts.ts'

/** /app/confirm-email: the link of the confirmation email; without a token, a form to request one. */
export function confirmEmail(context: PageContext): Page {
  const { words } = context
  const { confirmation: text } = words
  const ask = (
    name: string,
  ) => html`${form(name, text.resend, [emailField({ form: name, name: 'email', label: words.email })])}
<p class="aside">${text.otherwise} ${linkTo(context, '/register', words.register)}</p>`
  return {
    name: 'confirm-email',
    title: text.title,
    script: 'confirm-email',
    body: html`${heading(text.title)}
<div class="card">
${[
  view(
    'form',
    text.title,
    html`${paragraph(text.lead, 'lead')}
<div data-claimed>${paragraph(text.forAddress)}
${typedAddress}</div>
${form('confirm', text.submit, [usernameField(), ...newPasswordFields(context, 'confirm')])}
${paragraph(text.caution, 'aside')}`,
  ),
  view(
    'stale',
    text.staleTitle,
    html`<p class="lead" data-why></p>
${paragraph(text.staleLead)}
${ask('resend')}
<p class="aside">${linkTo(context, '/login', words.logIn)}</p>`,
  ),
  view(
    'missing',
    text.missingTitle,
    html`${paragraph(text.missingLead, 'lead')}
${ask('ask')}`,
  ),
  view(
    'done',
    text.doneTitle,
    html`${paragraph(text.doneLead, 'lead')}
<p class="actions">${linkTo(context, '/login', words.logIn, 'button primary')}</p>`,
  ),
  confirmationCodeView(context),
]}
</div>`,
  }
}
