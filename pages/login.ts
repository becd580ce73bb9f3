import { pageAddress } from './addresses.ts'
import { call } from './api.ts'
import { find } from './dom.ts'
import { invalidFields } from './failure.ts'
import { leaving, onSubmit } from './form.ts'
import './page.ts'
import { begin, skipWhenLoggedIn, type Tokens } from './session.ts'
import { mention, show } from './views.ts'

void skipWhenLoggedIn()
let address = ''

onSubmit<Tokens>('login', {
  send: ({ email, password }) => call({ path: 'login', body: { email, password, mode: 'cookie' } }),
  done: tokens => {
    begin(tokens)
    location.replace(pageAddress('account'))
    return leaving
  },
  failed: ({ code }, { email = '' }) => {
    address = email
    mention(email)
    // The service does not say which of the reasons it is.
    find('[data-offer]').hidden = code !== 'invalid_credentials'
    if (code !== 'email_not_confirmed') return false
    show('unconfirmed')
    return true
  },
  fieldOf: failure => invalidFields(failure),
})

for (const name of ['resend', 'offer']) {
  onSubmit(name, {
    send: () => call({ path: 'confirm-email/resend', body: { email: address } }),
    done: () => show('sent'),
  })
}
