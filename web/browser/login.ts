import { pageAddress } from './addresses.ts'
import { client } from './api.ts'
import { confirmByCode } from './confirmation.ts'
import { find, onPress } from './dom.ts'
import { invalidFields } from './failure.ts'
import { leaving, onSubmit } from './form.ts'
import { askForMail } from './mailed-code.ts'
import './page.ts'
import { refusal } from './refusal.ts'
import { skipWhenLoggedIn } from './session.ts'
import { mention, show } from './views.ts'

void skipWhenLoggedIn()
let address = ''

onSubmit('login', {
  send: async ({ email = '', password = '' }) => {
    const code = refusal()
    return code === undefined ? client.login({ email, password }) : { ok: false, problem: { code } }
  },
  done: () => {
    location.replace(pageAddress('account'))
    return leaving
  },
  failed: ({ code }, { email = '' }) => {
    address = email
    mention(email)
    // The service does not reveal which of the reasons applies.
    find('[data-offer]').hidden = code !== 'invalid_credentials'
    if (code !== 'email_not_confirmed') return false
    show('unconfirmed')
    return true
  },
  fieldOf: failure => invalidFields(failure),
})

for (const name of ['resend', 'offer']) askForMail(name, client.resendConfirmation, () => address)
confirmByCode()
onPress('start-over', () => show('form'))
