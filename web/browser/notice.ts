/** A word that one page leaves for the next: what it is, never a text. */
import type { BrowserWords } from '../../src/messages/en/browser.ts'
import { find } from './dom.ts'
import { drop, keep, recall } from './storage.ts'
import { words } from './words.ts'

export type Notice = keyof BrowserWords['notices']

const KEY = 'latchkey.notice'

/**
 * Leaves a notice for the page that comes next in this tab.
 *
 * @returns whether the browser keeps it until then
 */
export function leaveNotice(notice: Notice): boolean {
  keep(KEY, notice)
  return recall(KEY) === notice
}

/** Says what the page before left. */
export function sayNotice(): void {
  const notice = recall(KEY)
  drop(KEY)
  if (notice !== null && notice in words.notices) say(words.notices[notice as Notice])
}

/** Says something above the page's content. */
export function say(text: string): void {
  const place = find('[data-notice]')
  place.hidden = text === ''
  place.textContent = text
}
