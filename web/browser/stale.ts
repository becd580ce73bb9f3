/** Links and code requests that no longer work. */
import { type Failure, isAtFault } from './api.ts'
import { find } from './dom.ts'
import { linkWasDamaged } from './fragment.ts'
import { say } from './notice.ts'
import { show } from './views.ts'
import { words } from './words.ts'

type StaleCode = 'token_invalid' | 'token_expired' | 'token_spent'

/** Whether the token is invalid, so that a retry does not help. */
export function isStale(failure: Failure): boolean {
  // A token that was not copied completely may not even look like one.
  return /^token_(invalid|expired|spent)$/.test(failure.code) || isAtFault(failure, 'token')
}

/** For forms behind a link: shows what is wrong with the link and what to do next. */
export function showIfStale(failure: Failure): boolean {
  if (!isStale(failure)) return false
  showStale(failure.code === 'validation_failed' ? 'token_invalid' : (failure.code as StaleCode))
  return true
}

/** The view for a page opened without a token. */
export function showMissing(): void {
  show('missing', { focus: false })
  if (linkWasDamaged()) say(words.damagedLink)
}

/** The view for a link that no longer works. */
export function showStale(code: StaleCode, options: { focus: boolean } = { focus: true }): void {
  find('[data-why]').textContent = words.problems[code]
  show('stale', options)
}
