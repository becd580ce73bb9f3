import type { Form } from './form.ts'
import { words } from './words.ts'

/** A form of the account page; a wrong current password is reported beside its field. */
export function accountForm<T>(form: Form<T>): Form<T> {
  return {
    ...form,
    failed: (failure, values) => {
      // The page is being left.
      if (failure.code === 'unauthenticated') return true
      return form.failed?.(failure, values) ?? false
    },
    fieldOf: (failure, values) =>
      failure.code === 'invalid_password'
        ? { currentPassword: words.wrongPassword }
        : (form.fieldOf?.(failure, values) ?? {}),
  }
}
