import { call } from './api.ts'
import { confirmByCode } from './confirmation.ts'
import { onPress } from './dom.ts'
import { invalidFields, rejection } from './failure.ts'
import { clearForm, onSubmit } from './form.ts'
import { askForMail, awaitCode, type Requested } from './mailed-code.ts'
import './page.ts'
import { skipWhenLoggedIn } from './session.ts'
import { show } from './views.ts'
import { language, words } from './words.ts'

void skipWhenLoggedIn()
let address = ''

onSubmit<Partial<Requested>>('register', {
  // The page asks for a password only where addresses need no confirmation.
  send: ({ email = '', newPassword }) =>
    call({
      path: 'register',
      body: { email, locale: language, ...(newPassword !== undefined && { password: newPassword }) },
    }),
  done: ({ requestToken }, { email = '' }) => {
    address = email
    clearForm('register')
    // Where addresses need no confirmation, the answer is the account.
    if (requestToken === undefined) show('done')
    else awaitCode({ requestToken }, email)
  },
  fieldOf: (failure, values) => ({
    ...invalidFields(failure),
    ...rejection(failure, values, values['email']),
    ...(failure.code === 'email_taken' && { email: words.problems.email_taken }),
  }),
})

askForMail('resend', 'confirm-email/resend', () => address)
confirmByCode()

onPress('start-over', () => show('form'))
