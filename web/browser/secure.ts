// First: it takes the token out of the address bar before anything else runs.
import './fragment.ts'
import { client } from './api.ts'
import { onPress } from './dom.ts'
import { invalidFields } from './failure.ts'
import { clearForm, onSubmit } from './form.ts'
import { currentToken, dropToken, onToken } from './fragment.ts'
import './page.ts'
import { showIfStale, showMissing } from './stale.ts'
import { mention, show } from './views.ts'

onToken(token => {
  clearForm('secure')
  if (token === undefined) showMissing()
  else show('form', { focus: false })
})

onSubmit('secure', {
  send: ({ email = '' }) => client.secureAccount({ token: currentToken(), email }),
  done: (_, { email = '' }) => {
    dropToken()
    mention(email)
    show('done')
  },
  failed: showIfStale,
  fieldOf: failure => invalidFields(failure),
})

onPress('type-again', () => show('form'))
