/**
 * What this tab keeps for the next page: never a secret. Where the browser keeps nothing, because cookies are switched
 * off, the pages behind mailed links work all the same.
 */

/** What was kept under a name; null where nothing was. */
export function recall(name: string): string | null {
  return attempt(() => sessionStorage.getItem(name)) ?? null
}

export function keep(name: string, value: string): void {
  attempt(() => sessionStorage.setItem(name, value))
}

export function drop(name: string): void {
  attempt(() => sessionStorage.removeItem(name))
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

/** Tries what throws where the browser refuses it: even looking at the storage does. */
export function attempt<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch {
    return undefined
  }
}
