// First: it takes the token out of the address bar before anything else runs.
import './fragment.ts'
import { client } from './api.ts'
import { carryEmail } from './carried-email.ts'
import { clearForm, onSubmit } from './form.ts'
import { addressIn, currentToken, dropToken, onToken } from './fragment.ts'
import './page.ts'
import { showIfStale, showMissing } from './stale.ts'
import { mention, show } from './views.ts'
import { words } from './words.ts'

onToken(token => {
  clearForm('confirm')
  // Only the service can verify it.
  mention(addressIn(currentToken()))
  if (token === undefined) showMissing()
  else show('form', { focus: false })
})

onSubmit('confirm', {
  send: ({ password = '' }) => client.changeEmail({ token: currentToken(), password }),
  done: () => {
    carryEmail(addressIn(currentToken()))
    dropToken()
    show('done')
  },
  failed: failure => {
    if (failure.code !== 'email_taken') return showIfStale(failure)
    show('taken')
    return true
  },
  fieldOf: ({ code }): Record<string, string> =>
    code === 'invalid_password' ? { password: words.wrongPassword } : {},
})
