import { call } from './api.ts'
import { onPress } from './dom.ts'
import { invalidFields, rejection } from './failure.ts'
import { clearForm, onSubmit } from './form.ts'
import './page.ts'
import { skipWhenLoggedIn } from './session.ts'
import { mention, show } from './views.ts'
import { words } from './words.ts'

void skipWhenLoggedIn()
let address = ''

onSubmit<{ status?: string }>('register', {
  // The page asks for a password only where addresses need no confirmation.
  send: ({ email = '', newPassword }) =>
    call({
      path: 'register',
      body: { email, ...(newPassword !== undefined && { password: newPassword }) },
    }),
  done: ({ status }, { email = '' }) => {
    address = email
    mention(email)
    clearForm('register')
    // Where addresses need no confirmation, the answer is the account.
    show(status === 'confirmation_sent' ? 'sent' : 'done')
  },
  fieldOf: (failure, values) => ({
    ...invalidFields(failure),
    ...rejection(failure, values, values['email']),
    ...(failure.code === 'email_taken' && { email: words.problems.email_taken }),
  }),
})

onSubmit('resend', {
  send: () => call({ path: 'confirm-email/resend', body: { email: address } }),
  done: () => show('sent'),
})

onPress('start-over', () => show('form'))
