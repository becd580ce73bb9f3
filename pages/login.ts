import { pageAddress } from './addresses.ts'
import { call } from './api.ts'
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
    if (code !== 'email_not_confirmed') return false
    address = email
    mention(email)
    show('unconfirmed')
    return true
  },
  fieldOf: failure => invalidFields(failure),
})

onSubmit('resend', {
  send: () => call({ path: 'confirm-email/resend', body: { email: address } }),
  done: () => show('sent'),
})
