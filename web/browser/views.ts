/** The views of a page, of which one is shown. */
import { find } from './dom.ts'

/**
 * Shows a view: sets the title of the page and, after an action of the person, moves the focus.
 *
 * @param name its `data-view`
 */
export function show(name: string, options: { focus: boolean } = { focus: true }): void {
  const views = document.querySelectorAll<HTMLElement>('[data-view]')
  for (const view of views) {
    view.hidden = view.dataset['view'] !== name
    if (!view.hidden) rename(view.dataset['title'] ?? '')
  }
  find('main').dataset['state'] = name
  if (!options.focus) return
  find('[data-heading]').focus({ preventScroll: true })
  scrollTo({ top: 0 })
}

/** Writes the typed address wherever the page mentions it. */
export function mention(address: string): void {
  for (const place of document.querySelectorAll('[data-typed-address]')) place.textContent = address
  for (const field of document.querySelectorAll<HTMLInputElement>('[data-username]')) field.value = address
}

function rename(title: string): void {
  const heading = find('[data-heading]')
  const before = heading.textContent ?? ''
  heading.textContent = title
  document.title = document.title.replace(before, () => title)
}
