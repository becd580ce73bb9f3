import { deleteAccount, exportData } from './account-data.ts'
import { devices } from './account-devices.ts'
import { changeAddress } from './account-email.ts'
import { eventHistory } from './account-history.ts'
import { mailLanguage, showMe } from './account-me.ts'
import { changePassword } from './account-password.ts'
import { pageAddress } from './addresses.ts'
import { client } from './api.ts'
import { find, isMarked, mark, onPress, tell } from './dom.ts'
import { sentenceFor } from './failure.ts'
import './page.ts'
import { leave, mayBeLoggedIn } from './session.ts'
import { show } from './views.ts'

/** Reasons of an ended session that the login page can show. */
const NOTICES = {
  logged_out: 'logged_out',
  revoked: 'session_ended',
  password_changed: 'password_set',
  account_deleted: 'account_deleted',
} as const

const list = devices()
const past = eventHistory()
changePassword()
changeAddress()
mailLanguage()
exportData(past.load)
deleteAccount()
onPress('log-out', button => void logOut(button))
onPress('load-again', () => void load())
client.onSessionEnd(reason => {
  if (reason === 'replaced') location.reload()
  else leave(NOTICES[reason])
})

if (mayBeLoggedIn()) void load()
else location.replace(pageAddress('login'))

async function load(): Promise<void> {
  show('loading', { focus: false })
  const me = await client.me()
  if (!me.ok) {
    show('failed', { focus: false })
    tell(find('[data-failure]'), sentenceFor(me.problem))
    return
  }
  showMe(me.data)
  show('account', { focus: false })
  await Promise.all([list.load(), past.load()])
}

async function logOut(button: HTMLButtonElement): Promise<void> {
  if (isMarked(button, 'aria-disabled')) return
  mark(button, 'aria-disabled', true)
  const answer = await client.logout()
  if (answer.ok) return
  mark(button, 'aria-disabled', false)
  tell(find('[data-notice]'), sentenceFor(answer.problem))
}
