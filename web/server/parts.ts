/**
 * Building blocks of the pages.
 *
 * Hooks for scripts and tests: `data-view` names a view of a page, of which one is shown; `data-form` names a form;
 * its fields have the `name` of the property they send and the id `form-name`; `data-error` is the form's own error,
 * `data-error-for` that of a field; `data-act` names a button that does not submit.
 */
import { type Html, html } from '../../src/shared/html.ts'
import type { PageContext } from './layout.ts'

/** A view of a page. `title` replaces the heading of the page while it is shown. */
export function view(name: string, title: string, body: Html, shown = false): Html {
  return html`<section data-view="${name}" data-title="${title}"${shown ? html`` : html` hidden`}>
${body}
</section>`
}

/** The heading of a page, which its views change. */
export function heading(title: string): Html {
  return html`<h1 tabindex="-1" data-heading>${title}</h1>`
}

/** A form, sent by script only: `method="post"` keeps its values out of URLs if no script runs. */
export function form(name: string, submit: string, fields: Html[], kind = 'primary'): Html {
  return html`<form method="post" novalidate data-form="${name}">
<p class="error" role="alert" data-error hidden></p>
${fields}
<div class="actions"><button type="submit" class="${kind}">${submit}</button></div>
<p class="progress" role="status" data-progress></p>
</form>`
}

/** Attributes of a field. */
export interface Field {
  form: string
  name: string
  label: string
  hint?: string
  /** The id of a description elsewhere on the page. */
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

/**
 * A field for a password, with a switch that shows it. No `maxlength`, because a pasted password must not be
 * truncated.
 */
export function passwordField(context: PageContext, field: Field, autocomplete: string): Html {
  const { id, described } = marks(field)
  return labelled(
    field,
    html`<span class="secret"><input id="${id}" name="${field.name}" type="password" autocomplete="${autocomplete}" autocapitalize="none" spellcheck="false" required aria-describedby="${described}"><button type="button" class="switch" data-act="show-password" aria-pressed="false" aria-controls="${id}" hidden>${context.words.showPassword}</button></span>`,
  )
}

/** A new password: with advice, an estimate while typing, and the repetition. */
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

/** For password managers: the account of the password. Filled by script, never shown. */
export function usernameField(): Html {
  return html`<input type="email" autocomplete="username" data-username hidden readonly>`
}

/** A button that does not submit. */
export function button(act: string, label: string, kind = 'secondary'): Html {
  return html`<button type="button" class="${kind}" data-act="${act}">${label}</button>`
}

export function paragraph(text: string, kind = ''): Html {
  return kind === '' ? html`<p>${text}</p>` : html`<p class="${kind}">${text}</p>`
}

/** The typed address. */
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
