/** A notice that one page leaves for the next: its name, never a text. */
import type { BrowserWords } from '../../src/messages/en/browser.ts'
import { find, tell } from './dom.ts'
import { drop, keep, recall } from './storage.ts'
import { words } from './words.ts'

export type Notice = keyof BrowserWords['notices']

const KEY = 'latchkey.notice'

/**
 * Stores a notice for the next page in this tab.
 *
 * @returns whether the browser keeps it
 */
export function leaveNotice(notice: Notice): boolean {
  keep(KEY, notice)
  return recall(KEY) === notice
}

/** Shows the notice of the previous page. */
export function sayNotice(): void {
  const notice = recall(KEY)
  drop(KEY)
  if (notice !== null && notice in words.notices) say(words.notices[notice as Notice])
}

/** Shows a text above the content of the page. */
export function say(text: string): void {
  tell(find('[data-notice]'), text)
}
