/** Access to the document. Text is only ever set as text. */

/**
 * An element that must exist.
 *
 * @throws Error naming the missing element
 */
export function find<E extends HTMLElement = HTMLElement>(
  selector: string,
  within: ParentNode = document,
): E {
  const element = within.querySelector<E>(selector)
  if (element === null) throw new Error(`the page has no ${selector}`)
  return element
}

/** Calls a handler when a button that does not submit is pressed. */
export function onPress(act: string, run: (button: HTMLButtonElement) => void): void {
  find(`[data-act="${act}"]`).addEventListener('click', event =>
    run(event.currentTarget as HTMLButtonElement),
  )
}

/**
 * A new element.
 *
 * @param children text or elements
 */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Record<string, string>,
  ...children: (string | Node)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value)
  made.append(...children)
  return made
}

/** Shows a text, or hides it. */
export function tell(place: HTMLElement, text: string): void {
  place.textContent = text
  place.hidden = text === ''
}

type State = 'aria-busy' | 'aria-disabled' | 'aria-invalid'

/** Sets or removes a state for screen readers. By attribute, because Firefox has the properties only since 2023. */
export function mark(element: Element, state: State, on: boolean): void {
  if (on) element.setAttribute(state, 'true')
  else element.removeAttribute(state)
}

/** Whether a state is set. */
export function isMarked(element: Element, state: State): boolean {
  return element.getAttribute(state) === 'true'
}

/** Shows or hides a button, with the row if it is the only one. */
export function offer(button: HTMLButtonElement, offered: boolean): void {
  const row = button.parentElement ?? button
  row.hidden = !offered
}
