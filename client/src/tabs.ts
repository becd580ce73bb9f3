/**
 * Coordinates the tabs of a browser: one refreshes at a time, all receive its access token, and all notice a logout.
 * Only scripts of the same origin receive messages, and they could request the same tokens from the service.
 */

import { pause } from './exchange.ts'

/** A message of one tab to the others. */
export type Message = { accessToken: string; expiresAt: number } | { ended: string }

/** Coordination with the other tabs. */
export interface Tabs {
  /** Runs work under a lock of all tabs. */
  oneAtATime<T>(work: () => Promise<T>): Promise<T>
  send(message: Message): void
  /**
   * Whether a person logged in on this browser and did not log out; undefined outside browsers. False if the browser
   * refuses storage, because it then stores no cookies either.
   */
  hint(): boolean | undefined
  setHint(loggedIn: boolean): void
}

/** Milliseconds to wait for another tab, which may be suspended. A parallel refresh is safe within the grace window. */
const LOCK_TIMEOUT = 10_000
/** Milliseconds to keep the lock after a message. In Chromium, 1 of 4 arrived after the lock was released. */
const RELEASE_DELAY = 50

interface Globals {
  document?: { visibilityState: string; addEventListener(type: string, listener: () => void): void }
  location?: { href: string }
  localStorage: {
    getItem(key: string): string | null
    setItem(key: string, value: string): void
    removeItem(key: string): void
  }
  navigator: {
    locks?: { request<T>(name: string, options: { signal: AbortSignal }, work: () => Promise<T>): Promise<T> }
  }
  BroadcastChannel?: new (
    name: string,
  ) => {
    onmessage: ((event: { data: Message }) => void) | null
    postMessage(message: Message): void
    close(): void
  }
  addEventListener(
    type: string,
    listener: (event: { key?: string | null; newValue?: string | null }) => void,
  ): void
}

/** The globals of a browser. Servers, workers and React Native have no `document`. */
export const globals = globalThis as unknown as Globals

/** For servers, React Native, and sessions that no other tab shares. */
export const noTabs: Tabs = {
  oneAtATime: work => work(),
  send: () => {},
  hint: () => undefined,
  setHint: () => {},
}

/**
 * @param name name of the session, the same in all tabs
 * @param onMessage called with each message of another tab
 * @param onHint called when the hint may have changed without a message
 */
export function otherTabs(name: string, onMessage: (message: Message) => void, onHint: () => void): Tabs {
  const { BroadcastChannel, navigator, addEventListener } = globals
  let channel: InstanceType<NonNullable<typeof BroadcastChannel>> | undefined
  const open = () => {
    if (BroadcastChannel === undefined) return
    channel = new BroadcastChannel(name)
    channel.onmessage = ({ data }) => onMessage(data)
  }
  open()
  // Also the fallback for browsers without BroadcastChannel. `localStorage.clear()` sends the key null.
  addEventListener('storage', ({ key }) => {
    if (key === name || key === null) onHint()
  })
  // An open channel excludes a page from the back-forward cache. A page that returns from it has missed messages.
  addEventListener('pagehide', () => {
    channel?.close()
    channel = undefined
  })
  addEventListener('pageshow', event => {
    if (!(event as { persisted?: boolean }).persisted) return
    open()
    onHint()
  })
  return {
    oneAtATime(work) {
      const { locks } = navigator
      if (locks === undefined) return work()
      const controller = new AbortController()
      const timer = setTimeout(() => controller.abort(), LOCK_TIMEOUT)
      return new Promise((resolve, reject) => {
        const runUnderLock = async () => {
          clearTimeout(timer)
          await work().then(resolve, reject)
          // So that the message of this tab arrives before the next tab gets the lock.
          await pause(RELEASE_DELAY)
        }
        locks
          .request(name, { signal: controller.signal }, runUnderLock)
          .catch(() => work().then(resolve, reject))
      })
    },
    send: message => channel?.postMessage(message),
    hint: () => attempt(() => globals.localStorage.getItem(name) !== null) ?? false,
    setHint: loggedIn =>
      attempt(() => {
        const { localStorage } = globals
        if (loggedIn) localStorage.setItem(name, '1')
        else localStorage.removeItem(name)
      }),
  }
}

/** Returns undefined if the action throws. Even reading `localStorage` throws if the browser refuses storage. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch {
    return undefined
  }
}
