/** The pages behind the links of a confirmation mail and of an invitation. */
import { client } from './api.ts'
import { addressIsConfirmed, confirmByCode, confirmedAtLeast } from './confirmation.ts'
import { find, onPress } from './dom.ts'
import { rejection } from './failure.ts'
import { clearForm, onSubmit } from './form.ts'
import { addressIn, currentToken, dropToken, onToken } from './fragment.ts'
import './page.ts'
import { askForMail } from './mailed-code.ts'
import { showIfStale, showMissing } from './stale.ts'
import { mention, show } from './views.ts'

/** @param redeem the call that takes the token of the link */
export function confirmPage(redeem: typeof client.confirmEmail | typeof client.acceptInvitation): void {
  onToken(token => {
    clearForm('confirm')
    // Shown, so that a person who got a forwarded link sets no password for another person's account.
    const address = addressIn(currentToken())
    find('[data-claimed]').hidden = address === ''
    mention(address)
    if (token === undefined) showMissing()
    else show('form', { focus: false })
  })

  onSubmit('confirm', {
    send: ({ newPassword = '' }) => redeem({ token: currentToken(), password: newPassword }),
    done: () => addressIsConfirmed(takeEmail()),
    failed: failure =>
      showIfStale(failure) || (failure.code === 'cookie_refused' && confirmedAtLeast(failure, takeEmail())),
    fieldOf: (failure, values) => rejection(failure, values, addressIn(currentToken())),
  })

  for (const name of ['resend', 'ask']) askForMail(name, client.resendConfirmation)
  confirmByCode()
  onPress('start-over', () => show('missing'))
}

/** The email in the used token. */
function takeEmail(): string {
  const email = addressIn(currentToken())
  dropToken()
  return email
}
