/** The history of the account, in pages. */
import { client } from './api.ts'
import type { AccountEvent } from './client.ts'
import { element, find, offer, onPress, tell } from './dom.ts'
import { sentenceFor } from './failure.ts'
import { moment, words } from './words.ts'

/** Initialises the history; `load` shows its newest page. */
export function eventHistory(): { load: () => Promise<void> } {
  const rows = find('[data-events]')
  const error = find('[data-events-error]')
  const more = find<HTMLButtonElement>('[data-act="more-events"]')
  let next: string | null = null
  let busy = false

  async function load(cursor?: string): Promise<void> {
    if (busy) return
    busy = true
    const answer = await client.events(cursor === undefined ? { limit: 10 } : { limit: 20, cursor })
    busy = false
    tell(error, answer.ok ? '' : sentenceFor(answer.problem))
    if (!answer.ok) return
    const made = answer.data.events.map(row)
    if (cursor === undefined) rows.replaceChildren(...made)
    else rows.append(...made)
    next = answer.data.nextCursor
    offer(more, next !== null)
    // Moves the focus to the first new event after "more".
    if (cursor !== undefined) made[0]?.focus()
  }

  onPress('more-events', () => {
    if (next !== null) void load(next)
  })
  return { load: () => load() }
}

function row({ kind, at, ip, device }: AccountEvent): HTMLElement {
  const where = [device && words.device(device), ip].filter(fact => fact !== null).join(', ')
  const facts = element('p', { class: 'quiet' }, element('time', { datetime: at }, moment(at)))
  if (where !== '') facts.append(` · ${where}`)
  return element(
    'li',
    { 'data-event': kind, tabindex: '-1' },
    element('div', { class: 'facts' }, element('strong', {}, nameOf(kind)), facts),
  )
}

/** Kinds without a text in this release are shown as they are. */
function nameOf(kind: string): string {
  return (words.events as Partial<Record<string, string>>)[kind] ?? kind
}
