import { html } from '../../src/shared/html.ts'
import { linkTo, type Page, type PageContext } from './layout.ts'
import { button, emailField, form, heading, paragraph, typedAddress, view } from './parts.ts'

/** /app/secure: "this was not me", the link of a notice. */
export function secure(context: PageContext): Page {
  const { words } = context
  const { secure: text } = words
  const reset = linkTo(context, '/forgot-password', text.resetInstead, 'button secondary')
  return {
    name: 'secure',
    title: text.title,
    script: 'secure',
    body: html`${heading(text.title)}
<div class="card">
${[
  view(
    'form',
    text.title,
    html`${paragraph(text.lead, 'lead')}
<p id="effects">${text.whatHappens}</p>
<ul aria-labelledby="effects">${text.effects.map(effect => html`<li>${effect}</li>`)}</ul>
${form('secure', text.submit, [emailField({ form: 'secure', name: 'email', label: words.email })], 'danger')}`,
  ),
  view(
    'done',
    text.doneTitle,
    html`${paragraph(text.doneLead, 'lead')}
${typedAddress}
${paragraph(text.doneNext)}`,
  ),
  view(
    'stale',
    text.staleTitle,
    html`<p class="lead" data-why></p>
${paragraph(text.staleLead)}
<div class="actions">${button('type-again', text.tryAgain, 'primary')}${reset}</div>`,
  ),
  view(
    'missing',
    text.missingTitle,
    html`${paragraph(text.missingLead, 'lead')}
<p class="actions">${reset}</p>`,
  ),
]}
</div>`,
  }
}
