import { type Html, html } from '../../src/shared/html.ts'
import { LANGUAGE_NAMES } from './languages.ts'
import type { PageContext } from './layout.ts'
import {
  button,
  codeField,
  emailField,
  form,
  newPasswordFields,
  paragraph,
  passwordField,
  usernameField,
} from './parts.ts'

export function accountDetails({ words: { me: text } }: PageContext): Html {
  return card(
    'you',
    text.you,
    html`<dl>
<div><dt>${text.address}</dt><dd data-me="email"></dd></div>
<div><dt>${text.confirmed}</dt><dd data-me="emailConfirmedAt"></dd></div>
<div><dt>${text.since}</dt><dd data-me="createdAt"></dd></div>
<div><dt>${text.passwordSince}</dt><dd data-me="passwordChangedAt"></dd></div>
</dl>`,
  )
}

export function passwordAndAddress(context: PageContext): Html {
  const { words } = context
  const { me: text } = words
  const current = (form: string) =>
    passwordField(
      context,
      { form, name: 'currentPassword', label: words.currentPassword },
      'current-password',
    )
  const code = { form: 'password-confirm', name: 'code', label: text.code, hint: text.codeHint }
  const newEmail = { form: 'email-change', name: 'newEmail', label: text.newEmail }
  const { code: label, codeHint: hint } = words.forgotten
  const emailCode = { form: 'email-confirm', name: 'code', label, hint }
  return card(
    'security',
    text.security,
    html`<details data-disclosure="password"><summary>${text.changePassword}</summary>
<div data-step="1">
${paragraph(text.passwordStep1)}
${form('password-request', text.sendCode, [usernameField(), current('password-request')])}
</div>
<div data-step="2" hidden>
<p tabindex="-1" data-step-lead>${text.passwordStep2}</p>
${form('password-confirm', text.setPassword, [
  usernameField(),
  codeField(code, 6),
  ...newPasswordFields(context, 'password-confirm'),
  paragraph(text.setPasswordNote, 'aside'),
])}
<div class="actions">${button('cancel-password', words.cancel, 'plain')}</div>
</div>
</details>
<details data-disclosure="email"><summary>${text.changeEmail}</summary>
<div data-step="1">
${paragraph(text.emailNote)}
${form('email-change', text.sendLink, [emailField(newEmail, 'email'), usernameField(), current('email-change')])}
</div>
<div data-step="2" hidden>
<p tabindex="-1" data-step-lead>${text.emailStep2}</p>
${form('email-confirm', words.emailChange.submit, [
  usernameField(),
  codeField(emailCode, 8),
  current('email-confirm'),
])}
<div class="actions">${button('cancel-email', words.cancel, 'plain')}</div>
</div>
</details>`,
  )
}

export function deviceList({ words: { me: text } }: PageContext): Html {
  return card(
    'devices',
    text.devices,
    html`${paragraph(text.devicesLead)}
<ul class="rows" data-devices></ul>
<p class="progress" role="status" data-devices-status></p>
<p class="error" role="alert" data-devices-error hidden></p>
<div class="actions">${button('log-out-others', text.logOutOthers)}</div>`,
  )
}

export function mailLanguage({ words: { me: text } }: PageContext): Html {
  const options = LANGUAGE_NAMES.map(
    ([tag, name]) => html`<option value="${tag}" lang="${tag}">${name}</option>`,
  )
  const field = html`<div class="field">
<label for="language-locale">${text.language}</label>
<select id="language-locale" name="locale" aria-describedby="language-locale-error">
<option value="">${text.languageDefault}</option>
${options}
</select>
<p class="error" id="language-locale-error" data-error-for="locale" hidden></p>
</div>`
  return card('language', text.mails, form('language', text.save, [field], 'secondary'))
}

export function history({ words: { me: text } }: PageContext): Html {
  return card(
    'history',
    text.history,
    html`${paragraph(text.historyLead)}
<ol class="rows" data-events></ol>
<p class="error" role="alert" data-events-error hidden></p>
<div class="actions">${button('more-events', text.more)}</div>`,
  )
}

export function dangerZone(context: PageContext): Html {
  const { words } = context
  const { me: text } = words
  const typed = { form: 'delete', name: 'typedEmail', label: text.typeEmail }
  const current = { form: 'delete', name: 'currentPassword', label: words.currentPassword }
  return card(
    'data',
    text.data,
    html`${paragraph(text.exportText)}
${form('export', text.exportButton, [], 'secondary')}
<details data-disclosure="delete"><summary>${text.deleteTitle}</summary>
${paragraph(text.deleteText)}
${form(
  'delete',
  text.deleteButton,
  [usernameField(), emailField(typed, 'off'), passwordField(context, current, 'current-password')],
  'danger',
)}
</details>`,
  )
}

function card(name: string, title: string, body: Html): Html {
  return html`<section class="card" data-card="${name}" aria-labelledby="card-${name}">
<h2 id="card-${name}" tabindex="-1">${title}</h2>
${body}
</section>`
}
