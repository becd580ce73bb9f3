/** Steps after a confirmation, by link or by code. */
import { pageAddress } from './addresses.ts'
import { client, type Failure } from './api.ts'
import { carryEmail } from './carried-email.ts'
import { leaving } from './form.ts'
import { redeemCode } from './mailed-code.ts'
import { leaveNotice } from './notice.ts'
import { refusal } from './refusal.ts'
import { show } from './views.ts'

/** The form for the code of a confirmation email. */
export function confirmByCode(): void {
  redeemCode(
    (code, password) => client.confirmEmail({ ...code, password }),
    (_, email) => addressIsConfirmed(email),
    confirmedAtLeast,
  )
}

/**
 * Continues with the session that a confirmation opened.
 *
 * @param email the confirmed email
 */
export async function addressIsConfirmed(email: string): Promise<void> {
  if (refusal() !== undefined) {
    await client.logout()
    return showConfirmed(email)
  }
  leaveNotice('confirmed')
  location.replace(pageAddress('account'))
  return leaving
}

/** If the browser refuses the session, the email is confirmed all the same. */
export function confirmedAtLeast({ code }: Failure, email: string): boolean {
  if (code !== 'cookie_refused') return false
  showConfirmed(email)
  return true
}

/** The page links to the login. */
function showConfirmed(email: string): void {
  carryEmail(email)
  show('done')
}
