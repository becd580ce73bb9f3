/**
 * The parts that pages are made of.
 *
 * Hooks for scripts and tests: `data-view` names a state of a page, of which one is shown; `data-form`
 * names a form; its fields have the `name` of the value they send and the id `form-name`; `data-error` is
 * the form's own error, `data-error-for` that of a field; `data-act` names a button that is no submit.
 */
import { type Html, html } from '../../src/shared/html.ts'
import type { PageContext } from './layout.ts'

/** A state of a page. `title` takes the place of the page's heading while it is shown. */
export function view(name: string, title: string, body: Html, shown = false): Html {
  return html`<section data-view="${name}" data-title="${title}"${shown ? html`` : html` hidden`}>
${body}
</section>`
}

/** The heading of a page, which its views rename. */
export function heading(title: string): Html {
  return html`<h1 tabindex="-1" data-heading>${title}</h1>`
}

/** A form, sent by script alone: `method="post"` keeps what was typed out of URLs where none runs. */
export function form(name: string, submit: string, fields: Html[], kind = 'primary'): Html {
  return html`<form method="post" novalidate data-form="${name}">
<p class="error" role="alert" data-error hidden></p>
${fields}
<div class="actions"><button type="submit" class="${kind}">${submit}</button></div>
<p class="progress" role="status" data-progress></p>
</form>`
}

/** What a field is like. */
export interface Field {
  form: string
  name: string
  label: string
  hint?: string
  /** The id of a description that stands elsewhere. */
  describedBy?: string
}

/** A field for an address. */
export function emailField(field: Field, autocomplete = 'username'): Html {
  const { id, described } = marks(field)
  return labelled(
    field,
    html`<input id="${id}" name="${field.name}" type="email" inputmode="email" autocomplete="${autocomplete}" autocapitalize="none" spellcheck="false" required aria-describedby="${described}">`,
  )
}

/** A field for a code of digits. */
export function codeField(field: Field, digits: number): Html {
  const { id, described } = marks(field)
  return labelled(
    field,
    html`<input id="${id}" name="${field.name}" class="code" type="text" inputmode="numeric" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" required data-digits="${String(digits)}" aria-describedby="${described}">`,
  )
}

/** A field for a password, with a switch that shows it. No `maxlength`: what is pasted must not be cut. */
export function passwordField(context: PageContext, field: Field, autocomplete: string): Html {
  const { id, described } = marks(field)
  return labelled(
    field,
    html`<span class="secret"><input id="${id}" name="${field.name}" type="password" autocomplete="${autocomplete}" autocapitalize="none" spellcheck="false" required aria-describedby="${described}"><button type="button" class="switch" data-act="show-password" aria-pressed="false" aria-controls="${id}" hidden>${context.words.showPassword}</button></span>`,
  )
}

/** A new password: with advice, an estimate as it is typed, and the field that must match. */
export function newPasswordFields(context: PageContext, form: string): Html[] {
  const { words, minLength } = context
  const hint = words.passwordHint(minLength)
  const estimate = html`<p class="strength" id="${form}-strength" data-strength-for="${form}-newPassword" aria-live="polite"></p>`
  return [
    passwordField(context, { form, name: 'newPassword', label: words.newPassword, hint }, 'new-password'),
    estimate,
    passwordField(context, { form, name: 'repeat', label: words.repeatPassword }, 'new-password'),
  ]
}

/** For password managers: whose password a form takes. Filled by script, never shown. */
export function usernameField(): Html {
  return html`<input type="email" autocomplete="username" data-username hidden readonly>`
}

/** A button that is no submit. */
export function button(act: string, label: string, kind = 'secondary'): Html {
  return html`<button type="button" class="${kind}" data-act="${act}">${label}</button>`
}

export function paragraph(text: string, kind = ''): Html {
  return kind === '' ? html`<p>${text}</p>` : html`<p class="${kind}">${text}</p>`
}

/** Shows the address that was typed. */
export const typedAddress = html`<p class="address" data-typed-address></p>`

function labelled(field: Field, input: Html): Html {
  const { id } = marks(field)
  return html`<div class="field">
<label for="${id}">${field.label}</label>
${field.hint === undefined ? html`` : html`<p class="hint" id="${id}-hint">${field.hint}</p>`}
${input}
<p class="error" id="${id}-error" data-error-for="${field.name}" hidden></p>
</div>`
}

function marks({ form, name, hint, describedBy }: Field): { id: string; described: string } {
  const id = `${form}-${name}`
  const described = [
    ...(hint === undefined ? [] : [`${id}-hint`]),
    ...(describedBy ? [describedBy] : []),
    `${id}-error`,
  ]
  return { id, described: described.join(' ') }
}
