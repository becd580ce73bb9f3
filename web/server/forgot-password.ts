import { html } from '../../src/shared/html.ts'
import { resetCodeView } from './code-view.ts'
import { linkTo, type Page, type PageContext } from './layout.ts'
import { emailField, form, heading, paragraph, view } from './parts.ts'

/** /app/forgot-password. */
export function forgotPassword(context: PageContext): Page {
  const { words } = context
  const { forgotten: text } = words
  return {
    name: 'forgot-password',
    title: text.title,
    script: 'forgot-password',
    body: html`${heading(text.title)}
<div class="card">
${[
  view(
    'form',
    text.title,
    html`${paragraph(text.lead, 'lead')}
${form('request', text.submit, [emailField({ form: 'request', name: 'email', label: words.email })])}
<p class="aside">${text.remembered} ${linkTo(context, '/login', words.logIn)}</p>`,
    true,
  ),
  resetCodeView(context),
]}
</div>`,
  }
}
