/** The devices that are logged in. */

import { type Answer, client } from './api.ts'
import type { Session } from './client.ts'
import { element, find, offer, onPress, tell } from './dom.ts'
import { sentenceFor } from './failure.ts'
import { moment, words } from './words.ts'

/** Initialises the list; `load` fills it. */
export function devices(): { load: () => Promise<void> } {
  const rows = find('[data-devices]')
  const status = find('[data-devices-status]')
  const error = find('[data-devices-error]')
  const others = find<HTMLButtonElement>('[data-act="log-out-others"]')
  let busy = false

  async function load(): Promise<void> {
    const answer = await client.sessions()
    if (!works(answer)) return
    const { sessions } = answer.data
    const sorted = [...sessions].sort((a, b) => Number(b.current) - Number(a.current))
    rows.replaceChildren(...sorted.map(row))
    offer(others, sessions.length > 1)
  }

  function row(device: Session): HTMLElement {
    const name = device.device === null ? words.unknownDevice : words.device(device.device)
    const when = moment(device.lastUsedAt)
    const from = device.ip === null ? '' : ` ${words.from(device.ip)}`
    const facts = element('div', { class: 'facts' }, element('strong', {}, name))
    if (device.current) facts.append(' ', element('span', { class: 'badge' }, words.thisDevice))
    facts.append(element('p', { class: 'quiet' }, `${words.lastUsed(when)}${from}`))
    const made = element('li', { 'data-device': device.id, 'data-current': String(device.current) }, facts)
    if (!device.current) {
      const label = words.logOutNamed(name, when)
      const press = element(
        'button',
        { type: 'button', class: 'secondary', 'data-act': 'log-out-device', 'aria-label': label },
        words.logOutDevice,
      )
      press.addEventListener('click', () => end(() => client.endSession(device.id), words.loggedOutDevice))
      made.append(press)
    }
    return made
  }

  async function end(call: () => Promise<Answer<unknown>>, said: string): Promise<void> {
    if (busy) return
    busy = true
    status.textContent = words.busy
    const answer = await call()
    busy = false
    status.textContent = ''
    // A session that has already ended counts as success.
    if (!answer.ok && answer.problem.code !== 'not_found' && !works(answer)) return
    await load()
    status.textContent = said
    find('#card-devices').focus()
  }

  function works<T>(answer: Answer<T>): answer is Extract<Answer<T>, { ok: true }> {
    tell(error, answer.ok ? '' : sentenceFor(answer.problem))
    return answer.ok
  }

  onPress('log-out-others', () => void end(client.endOtherSessions, words.loggedOutOthers))
  return { load }
}
