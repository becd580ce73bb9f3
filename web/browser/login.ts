import { pageAddress } from './addresses.ts'
import { type Answer, call, type FailureCode } from './api.ts'
import { confirmByCode } from './confirmation.ts'
import { find, onPress } from './dom.ts'
import { invalidFields } from './failure.ts'
import { leaving, onSubmit } from './form.ts'
import { askForMail } from './mailed-code.ts'
import './page.ts'
import { refusal } from './refusal.ts'
import { begin, skipWhenLoggedIn, type Tokens } from './session.ts'
import { mention, show } from './views.ts'

void skipWhenLoggedIn()
let address = ''

onSubmit<Tokens>('login', {
  send: async ({ email, password }) => {
    const refused = refusal()
    if (refused !== undefined) return failed(refused)
    const answer = await call<Tokens>({ path: 'login', body: { email, password, mode: 'cookie' } })
    return !answer.ok || (await begin(answer.body)) ? answer : failed('refused')
  },
  done: () => {
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

for (const name of ['resend', 'offer']) askForMail(name, 'confirm-email/resend', () => address)
confirmByCode()
onPress('start-over', () => show('form'))

function failed(code: FailureCode): Answer<never> {
  return { ok: false, failure: { code, fields: [] } }
}
