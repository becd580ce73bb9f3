/**
 * Values that this tab keeps for the next page: never a secret. If the browser keeps nothing, because cookies are
 * blocked, the pages behind emailed links work all the same.
 */

/** The value of a name; null if there is none. */
export function recall(name: string): string | null {
  return attempt(() => sessionStorage.getItem(name)) ?? null
}

export function keep(name: string, value: string): void {
  attempt(() => sessionStorage.setItem(name, value))
}

export function drop(name: string): void {
  attempt(() => sessionStorage.removeItem(name))
}

/** Whether the browser keeps values for all tabs. */
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

/** Runs an action that throws if the browser blocks storage; even accessing it does. */
export function attempt<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch {
    return undefined
  }
}
