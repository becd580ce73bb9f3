import { deleteAccount, exportData } from './account-data.ts'
import { devices } from './account-devices.ts'
import { changeAddress } from './account-email.ts'
import { eventHistory } from './account-history.ts'
import { type Me, mailLanguage, showMe } from './account-me.ts'
import { changePassword } from './account-password.ts'
import { pageAddress } from './addresses.ts'
import { find, isMarked, mark, onPress, tell } from './dom.ts'
import { sentenceFor } from './failure.ts'
import './page.ts'
import { callAsMe, isOver, leave, mayBeLoggedIn, onLogOutElsewhere } from './session.ts'
import { show } from './views.ts'

const list = devices()
const past = eventHistory()
changePassword()
changeAddress()
mailLanguage()
exportData(past.load)
deleteAccount()
onPress('log-out', button => void logOut(button))
onPress('load-again', () => void load())
onLogOutElsewhere(() => leave('logged_out'))
// Out of the back-forward cache comes the page of somebody who may have logged out since.
addEventListener('pageshow', event => {
  if (event.persisted && !mayBeLoggedIn()) leave('logged_out')
})

if (mayBeLoggedIn()) void load()
else location.replace(pageAddress('login'))

async function load(): Promise<void> {
  show('loading', { focus: false })
  const me = await callAsMe<Me>({ method: 'GET', path: 'me' })
  if (isOver(me)) return leave('session_ended')
  if (!me.ok) {
    show('failed', { focus: false })
    tell(find('[data-failure]'), sentenceFor(me.failure))
    return
  }
  showMe(me.body)
  show('account', { focus: false })
  await Promise.all([list.load(), past.load()])
}

async function logOut(button: HTMLButtonElement): Promise<void> {
  if (isMarked(button, 'aria-disabled')) return
  mark(button, 'aria-disabled', true)
  const answer = await callAsMe({ path: 'logout', body: { mode: 'cookie' } })
  if (answer.ok || isOver(answer)) return leave('logged_out')
  mark(button, 'aria-disabled', false)
  tell(find('[data-notice]'), sentenceFor(answer.failure))
}
