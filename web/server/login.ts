import { html } from '../../src/shared/html.ts'
import { confirmationCodeView } from './code-view.ts'
import { linkTo, type Page, type PageContext } from './layout.ts'
import { emailField, form, heading, paragraph, passwordField, typedAddress, view } from './parts.ts'

/** /app/login. */
export function login(context: PageContext): Page {
  const { words } = context
  const { login: text } = words
  const fields = [
    emailField({ form: 'login', name: 'email', label: words.email }),
    passwordField(context, { form: 'login', name: 'password', label: words.password }, 'current-password'),
    html`<p class="aside">${linkTo(context, '/forgot-password', words.forgot)}</p>`,
  ]
  return {
    name: 'login',
    title: text.title,
    script: 'login',
    body: html`${heading(text.title)}
<div class="card">
${[
  view(
    'form',
    text.title,
    html`${form('login', words.logIn, fields)}
<div data-offer hidden>${paragraph(text.offer)}
${form('offer', text.resend, [], 'secondary')}</div>
<p class="aside">${text.noAccount} ${linkTo(context, '/register', words.register)}</p>`,
    true,
  ),
  view(
    'unconfirmed',
    text.unconfirmedTitle,
    html`${paragraph(text.unconfirmedLead, 'lead')}
${typedAddress}
${form('resend', text.resend, [])}`,
  ),
  confirmationCodeView(context),
]}
</div>`,
  }
}
