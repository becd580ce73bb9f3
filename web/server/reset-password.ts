import { html } from '../../src/shared/html.ts'
import { resetCodeView } from './code-view.ts'
import type { Page, PageContext } from './layout.ts'
import {
  button,
  emailField,
  form,
  heading,
  newPasswordFields,
  paragraph,
  typedAddress,
  usernameField,
  view,
} from './parts.ts'

/** /app/reset-password: the link of the reset email. */
export function resetPassword(context: PageContext): Page {
  const { words } = context
  const { reset: text } = words
  const ask = (name: string) =>
    form(name, words.forgotten.submit, [emailField({ form: name, name: 'email', label: words.email })])
  return {
    name: 'reset-password',
    title: text.title,
    script: 'reset-password',
    body: html`${heading(text.title)}
<div class="card">
${[
  view(
    'checking',
    text.title,
    html`<p class="progress" role="status" data-checking>${text.checking}</p>
<p class="error" role="alert" data-check-error hidden></p>
<div class="actions" data-check-again hidden>${button('check-again', text.retry, 'primary')}</div>`,
  ),
  view(
    'form',
    text.title,
    html`${paragraph(text.forAddress, 'lead')}
${typedAddress}
${form('reset', text.submit, [usernameField(), ...newPasswordFields(context, 'reset')])}
<p class="aside" data-valid-for></p>
${paragraph(text.afterwards, 'aside')}`,
  ),
  view(
    'stale',
    text.staleTitle,
    html`<p class="lead" data-why></p>
${paragraph(text.staleLead)}
${ask('request')}`,
  ),
  view(
    'missing',
    text.missingTitle,
    html`${paragraph(text.missingLead, 'lead')}
${ask('ask')}`,
  ),
  resetCodeView(context),
]}
</div>`,
  }
}
