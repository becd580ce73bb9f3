/** Where token mode keeps the refresh token. */

/**
 * A place for one secret, such as the key chain of a phone. Methods may be asynchronous. In a browser use cookie mode
 * instead: every script of the page reads localStorage.
 */
export interface TokenStorage {
  get(): string | null | undefined | Promise<string | null | undefined>
  set(refreshToken: string): void | Promise<void>
  remove(): void | Promise<void>
}

/** Keeps the token in memory: it is gone with the page or the process. */
export function memoryStorage(): TokenStorage {
  let held: string | undefined
  return {
    get: () => held,
    set: token => {
      held = token
    },
    remove: () => {
      held = undefined
    },
  }
}
