/** Behaviour of every page. */

import { client } from './api.ts'
import { carryEmails } from './carried-email.ts'
import { find, tell } from './dom.ts'
import { sayNotice } from './notice.ts'
import { refusal } from './refusal.ts'
import { mayBeLoggedIn } from './session.ts'
import { words } from './words.ts'

document.querySelector('[data-unready]')?.remove()
showFor(mayBeLoggedIn())
client.subscribe(() => showFor(mayBeLoggedIn()))
sayNotice()
carryEmails()
const refused = refusal()
tell(find('[data-refused]'), refused === undefined ? '' : words[refused])

/** Shows the parts for a person who is logged in, or who is not. */
function showFor(loggedIn: boolean): void {
  for (const part of document.querySelectorAll<HTMLElement>('[data-signed]')) {
    part.hidden = (part.dataset['signed'] === 'in') !== loggedIn
  }
}
