/**
 * Codes that are mailed beside a link: for people who ask here and read the mail on another device. The token
 * of the request stays in memory; with the code from the mail it does what the link does.
 */
import type { Answer, Failure } from './api.ts'
import { invalidFields, rejection } from './failure.ts'
import type { Faults } from './fields.ts'
import { clearForm, onSubmit } from './form.ts'
import { isStale } from './stale.ts'
import { mention, show } from './views.ts'
import { words } from './words.ts'

/** What a request for a mail is answered with. */
export interface Requested {
  requestToken: string
}

let request = { token: '', email: '' }

/** Shows where to enter the code of a mail that was asked for. */
export function awaitCode({ requestToken }: Requested, email: string): void {
  request = { token: requestToken, email }
  clearForm('code')
  mention(email)
  show('sent')
}

/**
 * A form that asks for a mail, and leads to where its code is entered.
 *
 * @param form its `data-form`
 * @param ask the call
 * @param address where the form does not ask for it
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
 * The form that takes the code and a new password.
 *
 * @param redeem the call
 * @param failed handles a failure itself, where it returns true
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

/** What is wrong with a code, beside its field; undefined where something else is. */
export function codeFault(failure: Failure): Faults | undefined {
  if (failure.code === 'code_invalid') return { code: words.problems.code_invalid }
  return isStale(failure) ? { code: words.codeExpired } : undefined
}
