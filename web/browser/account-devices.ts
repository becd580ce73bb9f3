/** The devices that are logged in. */

import type { Answer } from './api.ts'
import { element, find, offer, onPress, tell } from './dom.ts'
import { sentenceFor } from './failure.ts'
import { callAsMe, isOver, leave } from './session.ts'
import { moment, words } from './words.ts'

interface Device {
  id: string
  lastUsedAt: string
  ip: string | null
  device: string | null
  current: boolean
}

/** Makes the list work; `load` fills it. */
export function devices(): { load: () => Promise<void> } {
  const rows = find('[data-devices]')
  const status = find('[data-devices-status]')
  const error = find('[data-devices-error]')
  const others = find<HTMLButtonElement>('[data-act="log-out-others"]')
  let busy = false

  async function load(): Promise<void> {
    const answer = await callAsMe<{ sessions: Device[] }>({ method: 'GET', path: 'sessions' })
    if (!works(answer)) return
    const { sessions } = answer.body
    const sorted = [...sessions].sort((a, b) => Number(b.current) - Number(a.current))
    rows.replaceChildren(...sorted.map(row))
    offer(others, sessions.length > 1)
  }

  function row(device: Device): HTMLElement {
    const name = device.device ?? words.unknownDevice
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
      press.addEventListener('click', () => end(`sessions/${device.id}`, words.loggedOutDevice))
      made.append(press)
    }
    return made
  }

  async function end(path: string, said: string): Promise<void> {
    if (busy) return
    busy = true
    status.textContent = words.busy
    const answer = await callAsMe({ method: 'DELETE', path })
    busy = false
    status.textContent = ''
    // Gone already is as good.
    if (!answer.ok && answer.failure.code !== 'not_found' && !works(answer)) return
    await load()
    status.textContent = said
    find('#card-devices').focus()
  }

  function works<T>(answer: Answer<T>): answer is Extract<Answer<T>, { ok: true }> {
    if (isOver(answer)) leave('session_ended')
    tell(error, answer.ok ? '' : sentenceFor(answer.failure))
    return answer.ok
  }

  onPress('log-out-others', () => void end('sessions', words.loggedOutOthers))
  return { load }
}
