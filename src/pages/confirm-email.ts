import { html } from '../html.ts'
import { linkTo, type Page, type PageContext } from './layout.ts'
import { emailField, form, heading, paragraph, passwordField, typedAddress, view } from './parts.ts'

/** /app/confirm-email: behind the link of the confirmation mail; without a token, where to ask for one. */
export function confirmEmail(context: PageContext): Page {
  const { words } = context
  const { confirmation: text } = words
  const password = { form: 'confirm', name: 'password', label: words.password }
  const ask = (
    name: string,
  ) => html`${form(name, text.resend, [emailField({ form: name, name: 'email', label: words.email })])}
<p class="aside">${text.otherwise} ${linkTo(context, '/register', text.registerAgain)}</p>`
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
${form('confirm', text.submit, [passwordField(context, password, 'current-password')])}
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
    'sent',
    text.resentTitle,
    html`${paragraph(text.resentLead, 'lead')}
${typedAddress}
${paragraph(text.resentNext)}`,
  ),
]}
</div>`,
  }
}
