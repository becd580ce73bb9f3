// First: it takes the token out of the address bar before anything else runs.
import './fragment.ts'
import { call } from './api.ts'
import { clearForm, onSubmit } from './form.ts'
import { currentToken, onToken } from './fragment.ts'
import './page.ts'
import { showIfStale, showMissing } from './stale.ts'
import { show } from './views.ts'
import { words } from './words.ts'

onToken(token => {
  clearForm('confirm')
  if (token === undefined) showMissing()
  else show('form', { focus: false })
})

onSubmit('confirm', {
  send: ({ password }) => call({ path: 'email-change/confirm', body: { token: currentToken(), password } }),
  done: () => show('done'),
  failed: failure => {
    if (failure.code !== 'email_taken') return showIfStale(failure)
    show('taken')
    return true
  },
  fieldOf: ({ code }): Record<string, string> =>
    code === 'invalid_password' ? { password: words.wrongPassword } : {},
})
