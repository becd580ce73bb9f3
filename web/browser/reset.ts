/** After a reset, by link or by code. */
import { client } from './api.ts'
import { carryEmail } from './carried-email.ts'
import { leaving } from './form.ts'
import { redeemCode } from './mailed-code.ts'
import { leave } from './session.ts'

/** The form that takes the code of a reset mail. */
export function resetByCode(): void {
  redeemCode(
    (code, newPassword) => client.resetPassword({ ...code, newPassword }),
    (_, email) => passwordIsSet(email),
  )
}

/** After a new password was set: to log in, where that is said. */
export function passwordIsSet(email: string): Promise<never> {
  carryEmail(email)
  leave('password_set')
  return leaving
}
