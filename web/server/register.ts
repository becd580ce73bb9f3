import { html } from '../../src/shared/html.ts'
import { registrationCodeView } from './code-view.ts'
import { linkTo, type Page, type PageContext } from './layout.ts'
import { emailField, form, heading, newPasswordFields, paragraph, view } from './parts.ts'

/** /app/register. */
export function register(context: PageContext): Page {
  const { words } = context
  const { registration: text } = words
  const fields = [
    emailField({ form: 'register', name: 'email', label: words.email }),
    // If the address is confirmed first, the password is chosen behind the link.
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
  registrationCodeView(context),
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
