import type { Form } from './form.ts'
import { leave } from './session.ts'
import { words } from './words.ts'

/**
 * A form of the account page: where the session turns out to be over, the person goes to log in; where the
 * current password is wrong, that is said beside it.
 */
export function accountForm<T>(form: Form<T>): Form<T> {
  return {
    ...form,
    failed: (failure, values) => {
      if (failure.code === 'unauthenticated' || failure.code === 'refresh_token_invalid') {
        leave('session_ended')
        return true
      }
      return form.failed?.(failure, values) ?? false
    },
    fieldOf: (failure, values) =>
      failure.code === 'invalid_password'
        ? { currentPassword: words.wrongPassword }
        : (form.fieldOf?.(failure, values) ?? {}),
  }
}
