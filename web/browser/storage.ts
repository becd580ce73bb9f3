/**
 * What the browser keeps: never a secret. Where it keeps nothing, because cookies are switched off, the
 * pages behind mailed links work all the same.
 */

/** `tab`: this tab alone, for the next page; `all`: every tab, told when it changes. */
type Scope = 'tab' | 'all'

/** What was kept under a name; null where nothing was. */
export function recall(scope: Scope, name: string): string | null {
  return attempt(() => storeOf(scope).getItem(name)) ?? null
}

export function keep(scope: Scope, name: string, value: string): void {
  attempt(() => storeOf(scope).setItem(name, value))
}

export function drop(scope: Scope, name: string): void {
  attempt(() => storeOf(scope).removeItem(name))
}

/** Whether what every tab needs would be kept. */
export function keepsAnything(): boolean {
  const name = 'latchkey.probe'
  return (
    attempt(() => {
      localStorage.setItem(name, name)
      const kept = localStorage.getItem(name) === name
      localStorage.removeItem(name)
      return kept
    }) === true
  )
}

/** Even looking at the storage throws where it is refused. */
function storeOf(scope: Scope): Storage {
  return scope === 'tab' ? sessionStorage : localStorage
}

/** Tries what throws where the browser refuses it. */
export function attempt<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch {
    return undefined
  }
}
