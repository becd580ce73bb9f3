/** The pages behind the links of a confirmation mail and of an invitation. */
import { call } from './api.ts'
import { addressIsConfirmed, confirmByCode } from './confirmation.ts'
import { find, onPress } from './dom.ts'
import { rejection } from './failure.ts'
import { clearForm, onSubmit } from './form.ts'
import { addressIn, currentToken, dropToken, onToken } from './fragment.ts'
import './page.ts'
import { askForMail } from './mailed-code.ts'
import type { Tokens } from './session.ts'
import { showIfStale, showMissing } from './stale.ts'
import { mention, show } from './views.ts'

/** @param path of the route that takes the token of the link */
export function confirmPage(path: 'confirm-email' | 'invitation/accept'): void {
  onToken(token => {
    clearForm('confirm')
    // Named, so that nobody whom a link was forwarded to sets a password for somebody else's account.
    const address = addressIn(currentToken())
    find('[data-claimed]').hidden = address === ''
    mention(address)
    if (token === undefined) showMissing()
    else show('form', { focus: false })
  })

  onSubmit<Tokens>('confirm', {
    send: ({ newPassword }) =>
      call({ path, body: { token: currentToken(), password: newPassword, mode: 'cookie' } }),
    done: tokens => {
      const email = addressIn(currentToken())
      dropToken()
      return addressIsConfirmed(tokens, email)
    },
    failed: showIfStale,
    fieldOf: (failure, values) => rejection(failure, values, addressIn(currentToken())),
  })

  for (const name of ['resend', 'ask']) askForMail(name, 'confirm-email/resend')
  confirmByCode()
  onPress('start-over', () => show('missing'))
}
