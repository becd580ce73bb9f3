/** What the pages do about the session, which the client keeps. */
import { pageAddress } from './addresses.ts'
import { client } from './api.ts'
import { leaveNotice, type Notice, say } from './notice.ts'
import { show } from './views.ts'
import { words } from './words.ts'

/** Whether somebody logged in here, as far as can be told without asking. */
export function mayBeLoggedIn(): boolean {
  return client.getState().status !== 'logged_out'
}

/** Goes to log in, where the reason is said; here, where the browser would not keep it. */
export function leave(notice: Notice): void {
  if (leaveNotice(notice)) {
    location.replace(pageAddress('login'))
  } else {
    show('none')
    say(words.notices[notice])
  }
}

/** Sends who is logged in to the account. For pages that are of no use to them. */
export async function skipWhenLoggedIn(): Promise<void> {
  if ((await client.restore()).status === 'logged_in') location.replace(pageAddress('account'))
}
