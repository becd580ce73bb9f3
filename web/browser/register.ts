import { client } from './api.ts'
import { confirmByCode } from './confirmation.ts'
import { onPress } from './dom.ts'
import { invalidFields, rejection } from './failure.ts'
import { clearForm, onSubmit } from './form.ts'
import { askForMail, awaitCode } from './mailed-code.ts'
import './page.ts'
import { skipWhenLoggedIn } from './session.ts'
import { show } from './views.ts'
import { language, words } from './words.ts'

void skipWhenLoggedIn()
let address = ''

onSubmit('register', {
  // The page asks for a password only without confirmation of addresses.
  send: ({ email = '', newPassword }) =>
    client.register({ email, locale: language, ...(newPassword !== undefined && { password: newPassword }) }),
  done: (data, { email = '' }) => {
    address = email
    clearForm('register')
    // Without confirmation of addresses, the response is the account.
    if ('requestToken' in data) awaitCode(data, email)
    else show('done')
  },
  fieldOf: (failure, values) => ({
    ...invalidFields(failure),
    ...rejection(failure, values, values['email']),
    ...(failure.code === 'email_taken' && { email: words.problems.email_taken }),
  }),
})

askForMail('resend', client.resendConfirmation, () => address)
confirmByCode()

onPress('start-over', () => show('form'))
