/** Steps after a reset, by link or by code. */
import { client } from './api.ts'
import { carryEmail } from './carried-email.ts'
import { leaving } from './form.ts'
import { redeemCode } from './mailed-code.ts'
import { leave } from './session.ts'

/** The form for the code of a reset email. */
export function resetByCode(): void {
  redeemCode(
    (code, newPassword) => client.resetPassword({ ...code, newPassword }),
    (_, email) => passwordIsSet(email),
  )
}

/** Goes to the login after a new password was set, with a notice. */
export function passwordIsSet(email: string): Promise<never> {
  carryEmail(email)
  leave('password_set')
  return leaving
}
