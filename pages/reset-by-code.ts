/**
 * The way back in by code: for who asks here and reads the mail on another device. What the request was
 * answered with stays in memory; with the code from the mail it does what the link does.
 */
import { call } from './api.ts'
import { invalidFields, rejection } from './failure.ts'
import { clearForm, leaving, onSubmit } from './form.ts'
import { leave } from './session.ts'
import { isStale } from './stale.ts'
import { mention, show } from './views.ts'
import { words } from './words.ts'

let request = { token: '', email: '' }

/** A form that asks for link and code, and leads to where the code is entered. */
export function askForReset(form: string): void {
  onSubmit<{ requestToken: string }>(form, {
    send: ({ email }) => call({ path: 'password-reset/request', body: { email } }),
    done: ({ requestToken }, { email = '' }) => {
      request = { token: requestToken, email }
      clearForm('code')
      mention(email)
      show('sent')
    },
    fieldOf: failure => invalidFields(failure),
  })
}

/** The form that takes the code and the new password. */
export function redeemCode(): void {
  onSubmit('code', {
    send: ({ code, newPassword }) =>
      call({ path: 'password-reset/confirm', body: { requestToken: request.token, code, newPassword } }),
    done: passwordIsSet,
    fieldOf: (failure, values): Record<string, string> => {
      if (failure.code === 'code_invalid') return { code: words.problems.code_invalid }
      if (isStale(failure)) return { code: words.codeExpired }
      return rejection(failure, values, request.email)
    },
  })
}

/** After a new password was set: to log in, where that is said. */
export function passwordIsSet(): Promise<never> {
  leave('password_set')
  return leaving
}
