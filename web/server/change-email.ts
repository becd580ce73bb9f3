import { html } from '../../src/shared/html.ts'
import { linkTo, type Page, type PageContext } from './layout.ts'
import { form, heading, paragraph, passwordField, typedAddress, view } from './parts.ts'

/** /app/change-email: the link to the new address. */
export function changeEmail(context: PageContext): Page {
  const { words } = context
  const { emailChange: text } = words
  const toAccount = html`<p class="actions">${linkTo(context, '/account', words.account, 'button primary')}</p>`
  const password = { form: 'confirm', name: 'password', label: words.password }
  return {
    name: 'change-email',
    title: text.title,
    script: 'change-email',
    body: html`${heading(text.title)}
<div class="card">
${[
  view(
    'form',
    text.title,
    html`${paragraph(text.lead, 'lead')}
${typedAddress}
${form('confirm', text.submit, [passwordField(context, password, 'current-password')])}
${paragraph(text.caution, 'aside')}`,
  ),
  view(
    'stale',
    text.staleTitle,
    html`<p class="lead" data-why></p>
${paragraph(text.staleLead)}
${toAccount}`,
  ),
  view(
    'missing',
    text.title,
    html`${paragraph(text.missingLead, 'lead')}
${toAccount}`,
  ),
  view(
    'taken',
    text.takenTitle,
    html`${paragraph(text.takenLead, 'lead')}
${toAccount}`,
  ),
  view(
    'done',
    text.doneTitle,
    html`${paragraph(text.doneLead, 'lead')}
${toAccount}`,
  ),
]}
</div>`,
  }
}
