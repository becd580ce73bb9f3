// First: it takes the token out of the address bar before anything else runs.
import './fragment.ts'
import { pageAddress } from './addresses.ts'
import { call } from './api.ts'
import { find } from './dom.ts'
import { invalidFields, rejection } from './failure.ts'
import { clearForm, leaving, onSubmit } from './form.ts'
import { addressIn, currentToken, onToken } from './fragment.ts'
import './page.ts'
import { leaveNotice } from './notice.ts'
import { begin, type Tokens } from './session.ts'
import { showIfStale } from './stale.ts'
import { mention, show } from './views.ts'

onToken(token => {
  clearForm('confirm')
  // Named, so that nobody whom a link was forwarded to sets a password for somebody else's account.
  const address = addressIn(currentToken())
  find('[data-claimed]').hidden = address === ''
  mention(address)
  show(token === undefined ? 'missing' : 'form', { focus: false })
})

onSubmit<Tokens>('confirm', {
  send: ({ newPassword }) =>
    call({ path: 'confirm-email', body: { token: currentToken(), password: newPassword, mode: 'cookie' } }),
  done: async tokens => {
    // The address is confirmed all the same.
    if (!(await begin(tokens))) return show('done')
    leaveNotice('confirmed')
    location.replace(pageAddress('account'))
    return leaving
  },
  failed: showIfStale,
  fieldOf: (failure, values) => rejection(failure, values, addressIn(currentToken())),
})

for (const name of ['resend', 'ask']) {
  onSubmit(name, {
    send: ({ email }) => call({ path: 'confirm-email/resend', body: { email } }),
    done: (_, { email = '' }) => {
      mention(email)
      show('sent')
    },
    fieldOf: failure => invalidFields(failure),
  })
}
