// First: it takes the token out of the address bar before anything else runs.
import './fragment.ts'
import { client } from './api.ts'
import { find, onPress, tell } from './dom.ts'
import { rejection, sentenceFor } from './failure.ts'
import { clearForm, onSubmit } from './form.ts'
import { currentToken, dropToken, onToken } from './fragment.ts'
import './page.ts'
import { askForMail } from './mailed-code.ts'
import { passwordIsSet, resetByCode } from './reset.ts'
import { showIfStale, showMissing, showStale } from './stale.ts'
import { mention, show } from './views.ts'
import { lasting, words } from './words.ts'

/** Milliseconds between updates of the remaining time. Not a live region, because a countdown would disturb. */
const TICK = 5000

let ticking: number | undefined
let email = ''

onToken(token => {
  clearForm('reset')
  if (token === undefined) showMissing()
  else void check(token)
})

onPress('check-again', () => void check(currentToken()))

onSubmit('reset', {
  send: ({ newPassword = '' }) => client.resetPassword({ token: currentToken(), newPassword }),
  done: () => {
    dropToken()
    return passwordIsSet(email)
  },
  failed: showIfStale,
  fieldOf: (failure, values) => rejection(failure, values, email),
})

askForMail('request', client.requestPasswordReset)
askForMail('ask', client.requestPasswordReset)
resetByCode()
onPress('start-over', () => show('missing'))

/** Checks the link, which does not use it up. */
async function check(token: string): Promise<void> {
  clearInterval(ticking)
  show('checking', { focus: false })
  found('')
  const answer = await client.checkPasswordReset({ token })
  // Another link was opened meanwhile.
  if (token !== currentToken()) return
  if (answer.ok) {
    email = answer.data.email
    mention(email)
    countDown(Date.parse(answer.data.expiresAt))
    show('form', { focus: false })
  } else if (!showIfStale(answer.problem)) {
    found(sentenceFor(answer.problem))
  }
}

/** Shows why the link could not be checked, with a button to try again. */
function found(fault: string): void {
  tell(find('[data-check-error]'), fault)
  find('[data-check-again]').hidden = fault === ''
  find('[data-checking]').hidden = fault !== ''
}

/** Shows how long the link is valid, and what to do when it has expired. */
function countDown(expiresAt: number): void {
  const place = find('[data-valid-for]')
  const tick = () => {
    const seconds = (expiresAt - Date.now()) / 1000
    if (seconds > 0) place.textContent = words.validFor(lasting(seconds))
    else if (!find('[data-view="form"]').hidden) showStale('token_expired')
    if (seconds <= 0) clearInterval(ticking)
  }
  tick()
  ticking = setInterval(tick, TICK)
}
