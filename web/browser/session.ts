/** Redirects that depend on the session, which the client keeps. */
import { pageAddress } from './addresses.ts'
import { client } from './api.ts'
import { leaveNotice, type Notice, say } from './notice.ts'
import { show } from './views.ts'
import { words } from './words.ts'

/** Whether a session exists, as far as the page can tell without a request. */
export function mayBeLoggedIn(): boolean {
  return client.getState().status !== 'logged_out'
}

/** Goes to the login, which shows the reason; shows it here if the browser would not keep it. */
export function leave(notice: Notice): void {
  if (leaveNotice(notice)) {
    location.replace(pageAddress('login'))
  } else {
    show('none')
    say(words.notices[notice])
  }
}

/** Redirects to the account if a session exists. For pages that are useless then. */
export async function skipWhenLoggedIn(): Promise<void> {
  if ((await client.restore()).status === 'logged_in') location.replace(pageAddress('account'))
}
