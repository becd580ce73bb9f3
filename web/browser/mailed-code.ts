/**
 * Codes beside emailed links, for people who read email on another device. The token of the request stays in memory;
 * together with the code it works like the link.
 */
import type { Answer, Failure } from './api.ts'
import { invalidFields, rejection } from './failure.ts'
import type { Faults } from './fields.ts'
import { clearForm, onSubmit } from './form.ts'
import { isStale } from './stale.ts'
import { mention, show } from './views.ts'
import { words } from './words.ts'

/** Response to a request for an email. */
export interface Requested {
  requestToken: string
}

let request = { token: '', email: '' }

/** Shows the form for the code of a requested email. */
export function awaitCode({ requestToken }: Requested, email: string): void {
  request = { token: requestToken, email }
  clearForm('code')
  mention(email)
  show('sent')
}

/**
 * A form that requests an email, and then shows the form for its code.
 *
 * @param form its `data-form`
 * @param ask the call
 * @param address the address, if the form has no field for it
 */
export function askForMail(
  form: string,
  ask: (body: { email: string }) => Promise<Answer<Requested>>,
  address?: () => string,
): void {
  onSubmit(form, {
    send: ({ email = '' }) => ask({ email: address?.() ?? email }),
    done: (answer, { email = '' }) => awaitCode(answer, address?.() ?? email),
    fieldOf: failure => invalidFields(failure),
  })
}

/**
 * The form for the code and a new password.
 *
 * @param redeem the call
 * @param failed handles a failure itself if it returns true
 */
export function redeemCode<T>(
  redeem: (code: { requestToken: string; code: string }, newPassword: string) => Promise<Answer<T>>,
  done: (data: T, email: string) => void | Promise<void>,
  failed: (failure: Failure, email: string) => boolean = () => false,
): void {
  onSubmit<T>('code', {
    send: ({ code = '', newPassword = '' }) => redeem({ requestToken: request.token, code }, newPassword),
    done: data => done(data, request.email),
    failed: failure => failed(failure, request.email),
    fieldOf: (failure, values) => codeFault(failure) ?? rejection(failure, values, request.email),
  })
}

/** The error of a code, beside its field; undefined for other errors. */
export function codeFault(failure: Failure): Faults | undefined {
  if (failure.code === 'code_invalid') return { code: words.problems.code_invalid }
  return isStale(failure) ? { code: words.codeExpired } : undefined
}
