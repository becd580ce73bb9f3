/** What happened to the account, page by page. */
import type { BrowserWords } from '../../src/messages/en/browser.ts'
import { element, find, offer, onPress, tell } from './dom.ts'
import { sentenceFor } from './failure.ts'
import { callAsMe, isOver, leave } from './session.ts'
import { moment, words } from './words.ts'

interface Happening {
  id: string
  kind: keyof BrowserWords['events']
  at: string
  ip: string | null
  device: string | null
}

interface HistoryPage {
  events: Happening[]
  nextCursor: string | null
}

/** Makes the history work; `load` shows its newest page. */
export function eventHistory(): { load: () => Promise<void> } {
  const rows = find('[data-events]')
  const error = find('[data-events-error]')
  const more = find<HTMLButtonElement>('[data-act="more-events"]')
  let next: string | null = null
  let busy = false

  async function load(cursor?: string): Promise<void> {
    if (busy) return
    busy = true
    const query = cursor === undefined ? 'limit=10' : `limit=20&cursor=${cursor}`
    const answer = await callAsMe<HistoryPage>({ method: 'GET', path: `me/events?${query}` })
    busy = false
    if (isOver(answer)) return leave('session_ended')
    tell(error, answer.ok ? '' : sentenceFor(answer.failure))
    if (!answer.ok) return
    const made = answer.body.events.map(row)
    if (cursor === undefined) rows.replaceChildren(...made)
    else rows.append(...made)
    next = answer.body.nextCursor
    offer(more, next !== null)
    // Who pressed "more" goes on reading where the new ones begin.
    if (cursor !== undefined) made[0]?.focus()
  }

  onPress('more-events', () => {
    if (next !== null) void load(next)
  })
  return { load: () => load() }
}

function row({ kind, at, ip, device }: Happening): HTMLElement {
  const where = [device, ip].filter(fact => fact !== null).join(', ')
  const facts = element('p', { class: 'quiet' }, element('time', { datetime: at }, moment(at)))
  if (where !== '') facts.append(` · ${where}`)
  return element(
    'li',
    { 'data-event': kind, tabindex: '-1' },
    element('div', { class: 'facts' }, element('strong', {}, words.events[kind] ?? kind), facts),
  )
}
