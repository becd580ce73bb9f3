/** Forms of the account page with two steps. */
import { find } from './dom.ts'

/**
 * Shows a step, and focuses it if it is the second.
 *
 * @param name of the section, its `data-disclosure`
 */
export function showStep(name: string, number: 1 | 2): void {
  const whole = find(`[data-disclosure="${name}"]`)
  for (const part of whole.querySelectorAll<HTMLElement>('[data-step]')) {
    part.hidden = part.dataset['step'] !== String(number)
  }
  if (number === 2) find('[data-step-lead]', whole).focus()
}
