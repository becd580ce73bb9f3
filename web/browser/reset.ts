/** After a reset, by link or by code. */
import { leaving } from './form.ts'
import { redeemCode } from './mailed-code.ts'
import { leave } from './session.ts'

/** The form that takes the code of a reset mail. */
export function resetByCode(): void {
  redeemCode('password-reset/confirm', newPassword => ({ newPassword }), passwordIsSet)
}

/** After a new password was set: to log in, where that is said. */
export function passwordIsSet(): Promise<never> {
  leave('password_set')
  return leaving
}
