// First: it takes the token out of the address bar before anything else runs.
import './fragment.ts'
import { pageAddress } from './addresses.ts'
import { call } from './api.ts'
import { invalidFields } from './failure.ts'
import { clearForm, leaving, onSubmit } from './form.ts'
import { currentToken, onToken } from './fragment.ts'
import './page.ts'
import { leaveNotice } from './notice.ts'
import { begin, type Tokens } from './session.ts'
import { showIfStale } from './stale.ts'
import { mention, show } from './views.ts'
import { words } from './words.ts'

onToken(token => {
  clearForm('confirm')
  show(token === undefined ? 'missing' : 'form', { focus: false })
})

onSubmit<Tokens>('confirm', {
  send: ({ password }) =>
    call({ path: 'confirm-email', body: { token: currentToken(), password, mode: 'cookie' } }),
  done: tokens => {
    begin(tokens)
    leaveNotice('confirmed')
    location.replace(pageAddress('account'))
    return leaving
  },
  failed: showIfStale,
  fieldOf: ({ code }): Record<string, string> =>
    code === 'invalid_credentials' ? { password: words.wrongPassword } : {},
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
