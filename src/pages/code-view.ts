import { type Html, html } from '../html.ts'
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

/** What forgot-password and reset-password show once a mail was asked for: open the link, or enter the code. */
export function codeView(context: PageContext): Html {
  const { words } = context
  const { forgotten: text } = words
  const fields = [
    usernameField(),
    codeField({ form: 'code', name: 'code', label: text.code, hint: text.codeHint }, 8),
    ...newPasswordFields(context, 'code'),
  ]
  return view(
    'sent',
    text.sentTitle,
    html`${paragraph(text.sentLead, 'lead')}
${typedAddress}
${paragraph(text.sentNext)}
${form('code', text.submitCode, fields)}
${paragraph(text.missing, 'aside')}
<div class="actions">${button('start-over', text.again, 'plain')}</div>`,
  )
}
