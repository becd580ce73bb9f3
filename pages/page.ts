/** What every page does. */

import { say, sayNotice } from './notice.ts'
import { mayBeLoggedIn, onLogOutElsewhere } from './session.ts'
import { words } from './words.ts'

document.querySelector('[data-unready]')?.remove()
showFor(mayBeLoggedIn())
onLogOutElsewhere(() => showFor(false))
sayNotice()
// Browsers drop cookies that are `Secure` where nothing is encrypted, but for the machine itself.
if (!isSecureContext) say(words.insecure)

/** Shows what is meant for who is logged in, or for who is not. */
function showFor(loggedIn: boolean): void {
  for (const part of document.querySelectorAll<HTMLElement>('[data-signed]')) {
    part.hidden = (part.dataset['signed'] === 'in') !== loggedIn
  }
}
