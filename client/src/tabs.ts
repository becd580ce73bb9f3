/**
 * What the tabs of a browser tell each other: one refreshes at a time, all get its access token, and all learn of a
 * log out. Scripts of one origin alone take part, which could ask the service for the same.
 */

import { pause } from './exchange.ts'

/** What one tab tells the others. */
export type Message = { accessToken: string; expiresAt: number } | { ended: string }

/** The other tabs. */
export interface Tabs {
  /** Runs work while no other tab does. */
  oneAtATime<T>(work: () => Promise<T>): Promise<T>
  tell(message: Message): void
  /** Whether somebody logged in here and did not log out; undefined outside browsers. One that refuses it keeps no cookies. */
  hint(): boolean | undefined
  setHint(loggedIn: boolean): void
}

/** Milliseconds to wait for another tab, which may be suspended. Refreshing beside it is safe within the grace. */
const LOCK_PATIENCE = 10_000
/** Milliseconds for a message to reach the tab that waits for the lock; in Chromium 1 of 4 came after the lock. */
const LOCK_AFTERWARDS = 50

interface Surroundings {
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

/** The globals of a browser; without a `document` this is a server, a worker or React Native. */
export const surroundings = globalThis as unknown as Surroundings

/** For servers, React Native, and sessions that no other tab has. */
export const noTabs: Tabs = {
  oneAtATime: work => work(),
  tell: () => {},
  hint: () => undefined,
  setHint: () => {},
}

/**
 * @param name of the session, the same in all tabs
 * @param hear called with what other tabs tell
 * @param look called when the hint may have changed without a word
 */
export function otherTabs(name: string, hear: (message: Message) => void, look: () => void): Tabs {
  const { BroadcastChannel, navigator, addEventListener } = surroundings
  let channel: InstanceType<NonNullable<typeof BroadcastChannel>> | undefined
  const open = () => {
    if (BroadcastChannel === undefined) return
    channel = new BroadcastChannel(name)
    channel.onmessage = ({ data }) => hear(data)
  }
  open()
  // The hint is also the fallback for browsers without BroadcastChannel; `clear()` comes with the key null.
  addEventListener('storage', ({ key }) => {
    if (key === name || key === null) look()
  })
  // An open channel keeps a page out of the back-forward cache. A page that comes back has missed what was said.
  addEventListener('pagehide', () => {
    channel?.close()
    channel = undefined
  })
  addEventListener('pageshow', event => {
    if (!(event as { persisted?: boolean }).persisted) return
    open()
    look()
  })
  return {
    oneAtATime(work) {
      const { locks } = navigator
      if (locks === undefined) return work()
      const controller = new AbortController()
      const timer = setTimeout(() => controller.abort(), LOCK_PATIENCE)
      return new Promise((resolve, reject) => {
        const held = async () => {
          clearTimeout(timer)
          await work().then(resolve, reject)
          // What was told arrives before the lock does.
          await pause(LOCK_AFTERWARDS)
        }
        locks.request(name, { signal: controller.signal }, held).catch(() => work().then(resolve, reject))
      })
    },
    tell: message => channel?.postMessage(message),
    hint: () => attempt(() => surroundings.localStorage.getItem(name) !== null) ?? false,
    setHint: loggedIn =>
      attempt(() => {
        const { localStorage } = surroundings
        if (loggedIn) localStorage.setItem(name, '1')
        else localStorage.removeItem(name)
      }),
  }
}

/** Even a look at the storage throws where the browser refuses it. */
function attempt<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch {
    return undefined
  }
}
