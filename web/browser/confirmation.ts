/** After a confirmation, by link or by code. */
import { pageAddress } from './addresses.ts'
import { carryEmail } from './carried-email.ts'
import { leaving } from './form.ts'
import { redeemCode } from './mailed-code.ts'
import { leaveNotice } from './notice.ts'
import { begin, type Tokens } from './session.ts'
import { show } from './views.ts'

/** The form that takes the code of a confirmation mail. */
export function confirmByCode(): void {
  redeemCode<Tokens>(
    'confirm-email',
    newPassword => ({ password: newPassword, mode: 'cookie' }),
    addressIsConfirmed,
  )
}

/**
 * Takes over the session that a confirmation opens.
 *
 * @param email what was confirmed
 */
export async function addressIsConfirmed(tokens: Tokens, email: string): Promise<void> {
  // The email is confirmed all the same, and the page leads to the login.
  if (!(await begin(tokens))) {
    carryEmail(email)
    return show('done')
  }
  leaveNotice('confirmed')
  location.replace(pageAddress('account'))
  return leaving
}
