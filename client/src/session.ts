/** The session: holds its tokens, refreshes them one at a time, and notifies listeners of its start and end. */
import { codeOf, pause } from './exchange.ts'
import { Fault } from './result.ts'
import type { TokenStorage } from './storage.ts'
import { globals, type Message, noTabs, otherTabs, type Tabs } from './tabs.ts'

/**
 * The state of the session as far as the client knows it. It is `unknown` after a (re)load, until `restore()` or a call
 * has asked the service. `userId` is the `sub` of the access token.
 */
export interface SessionState {
  status: 'unknown' | 'logged_in' | 'logged_out'
  userId?: string | undefined
}

/**
 * Why a session ended.
 *
 * - `logged_out`: in this tab or another one
 * - `revoked`: the service refused to refresh it, because it expired or was revoked on another device
 * - `password_changed`, `account_deleted`: by a call of this client
 * - `replaced`: another account logged in, in another tab
 */
export type SessionEnd = 'logged_out' | 'revoked' | 'password_changed' | 'account_deleted' | 'replaced'

/** The properties of a token pair that the session uses. */
export interface Tokens {
  accessToken: string
  /** Seconds. */
  expiresIn: number
  /** In token mode only. */
  refreshToken?: string | undefined
}

/** Dependencies of the session. */
export interface SessionOptions {
  /** Distinguishes the sessions of one origin; undefined if other tabs do not share the session. */
  sharedAs: string | undefined
  /** Stores the refresh token; undefined in cookie mode. */
  storage: TokenStorage | undefined
  /** Calls POST /token/refresh with this refresh token, or with the cookie. `timeout` is in milliseconds. */
  askForTokens(refreshToken: string | undefined, timeout?: number): Promise<Response>
}

export type Session = ReturnType<typeof createSession>

/**
 * Timeouts in milliseconds of the first attempts at a refresh. The last attempt has the usual timeout. All start within
 * the 10 s in which the service issues the same successor again, so that a retry recovers a lost response.
 */
const ATTEMPT_TIMEOUTS = [4000, 4000]
/** Milliseconds before the second attempt, with 25 % jitter; twice as long before the third. */
const FIRST_PAUSE = 300
/** Milliseconds before its expiry at which a visible page renews a token; at most a fifth of its lifetime. */
const RENEW_AHEAD = 60_000

export function createSession({ sharedAs, storage, askForTokens }: SessionOptions) {
  let state: SessionState = { status: 'unknown' }
  let access: { token: string; expiresAt: number; renewAt: number } | undefined
  /** A refresh token that could not be stored. */
  let unstored: string | undefined
  let renewing: Promise<Response | undefined> | undefined
  let renewal: ReturnType<typeof setTimeout> | undefined
  /** Incremented by each login and each end. The result of a refresh that started earlier is dropped. */
  let generation = 0
  const listeners = new Set<() => void>()
  const endListeners = new Set<(reason: SessionEnd) => void>()
  const { document } = globals
  const tabs: Tabs = document && sharedAs !== undefined ? otherTabs(sharedAs, onMessage, onHint) : noTabs
  document?.addEventListener('visibilitychange', renewAhead)
  // Nobody is logged in on this browser, so the first page causes no request.
  if (tabs.hint() === false) state = { status: 'logged_out' }

  function setState(next: SessionState): void {
    if (next.status === state.status && next.userId === state.userId) return
    state = next
    for (const listener of listeners) listener()
  }

  function useToken(
    { accessToken, expiresAt }: Extract<Message, { accessToken: string }>,
    ofOtherTab: boolean,
  ): void {
    const lifetime = expiresAt - Date.now()
    access = { token: accessToken, expiresAt, renewAt: expiresAt - Math.min(RENEW_AHEAD, lifetime / 5) }
    const userId = subjectOf(accessToken)
    const replaced = ofOtherTab && state.status === 'logged_in' && state.userId !== userId
    setState({ status: 'logged_in', userId })
    if (replaced) for (const listener of endListeners) listener('replaced')
    clearTimeout(renewal)
    if (document) renewal = setTimeout(renewAhead, access.renewAt - Date.now())
  }

  /** Ignores a failure, because the next call refreshes again. */
  function renewAhead(): void {
    const due = access !== undefined && Date.now() >= access.renewAt && state.status === 'logged_in'
    if (due && document?.visibilityState === 'visible') void renew(access?.token).catch(() => {})
  }

  function onMessage(message: Message): void {
    generation++
    if ('ended' in message) endHere(message.ended as SessionEnd)
    else useToken(message, true)
  }

  /** Updates a page that may have missed a message. */
  function onHint(): void {
    const hint = tabs.hint()
    if (hint === false) endHere('logged_out')
    else if (hint && state.status === 'logged_out') setState({ status: 'unknown' })
  }

  /** @param existed whether there was a session, so that listeners are notified */
  function endHere(reason: SessionEnd, existed = state.status === 'logged_in'): void {
    access = undefined
    clearTimeout(renewal)
    setState({ status: 'logged_out' })
    if (existed) for (const listener of endListeners) listener(reason)
  }

  /** Starts or continues the session with these tokens, in this tab and the others. */
  async function keep({ accessToken, expiresIn, refreshToken }: Tokens): Promise<void> {
    if (storage !== undefined && refreshToken !== undefined) {
      unstored = refreshToken
      try {
        await storage.set(refreshToken)
        unstored = undefined
      } catch {
        // Stays in memory (`unstored`).
      }
    }
    const message = { accessToken, expiresAt: Date.now() + expiresIn * 1000 }
    tabs.setHint(true)
    tabs.send(message)
    useToken(message, false)
  }

  /**
   * Ends the session in this tab and the others.
   *
   * @param existed whether there was a session; after a reload, only the hint or a stored token shows it
   */
  async function end(reason: SessionEnd, existed?: boolean): Promise<void> {
    generation++
    unstored = undefined
    const wasHinted = tabs.hint()
    tabs.setHint(false)
    tabs.send({ ended: reason })
    endHere(reason, existed || wasHinted || state.status === 'logged_in')
    await removeStored()
  }

  async function removeStored(): Promise<void> {
    try {
      await storage?.remove()
    } catch {
      // The service refuses the token that remains.
    }
  }

  const isUsable = (refused?: string) =>
    access !== undefined && access.token !== refused && Date.now() < access.expiresAt

  /** Returns the refusal, or undefined if there is a new access token. */
  function renew(refused?: string): Promise<Response | undefined> {
    renewing ??= tabs
      .oneAtATime(async () => (isUsable(refused) ? undefined : renewNow()))
      .finally(() => {
        renewing = undefined
      })
    return renewing
  }

  async function renewNow(): Promise<Response | undefined> {
    const startedIn = generation
    const refreshToken = unstored ?? (await stored())
    if (storage !== undefined && !refreshToken) {
      endHere('revoked')
      return noSession()
    }
    const response = await askWithRetries(refreshToken)
    if (response.ok) {
      const tokens = await tokensIn(response)
      if (startedIn === generation) await keep(tokens)
    } else if (response.status === 401 && (await codeOf(response)) === 'refresh_token_invalid') {
      if (startedIn === generation) await end('revoked', storage !== undefined)
      return noSession()
    } else {
      return response
    }
    return isUsable() ? undefined : noSession()
  }

  async function stored(): Promise<string | undefined> {
    try {
      return (await storage?.get()) ?? undefined
    } catch (error) {
      throw new Fault('storage', error)
    }
  }

  async function askWithRetries(refreshToken: string | undefined): Promise<Response> {
    let wait = FIRST_PAUSE
    for (const timeout of ATTEMPT_TIMEOUTS) {
      try {
        return await askForTokens(refreshToken, timeout)
      } catch {
        // Jitter, so that the clients of a failed instance do not retry at the next one together.
        await pause(wait * (0.75 + Math.random() / 2))
        wait *= 2
      }
    }
    return askForTokens(refreshToken)
  }

  return {
    getState: () => state,
    subscribe(listener: () => void): () => void {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    onEnd(listener: (reason: SessionEnd) => void): () => void {
      endListeners.add(listener)
      return () => void endListeners.delete(listener)
    },
    oneAtATime: tabs.oneAtATime,
    keep,
    end,
    renew,
    /**
     * @param refused an access token that the service refused
     * @returns an access token, or the response that says why there is none
     */
    async bearer(refused?: string): Promise<string | Response> {
      if (!isUsable(refused)) {
        if (state.status === 'logged_out') return noSession()
        const refusal = await renew(refused)
        // Cloned, because several calls share the refusal and each reads its body.
        if (refusal !== undefined) return refusal.clone()
      }
      return access?.token ?? noSession()
    },
    /** The current access token, even if it has expired. */
    lastToken: () => access?.token,
    begin(): void {
      generation++
    },
  }
}

/** The response of the service to a call without a session. */
const noSession = () =>
  new Response(
    JSON.stringify({
      type: 'urn:latchkey:problem:unauthenticated',
      title: 'Not logged in',
      status: 401,
      code: 'unauthenticated',
      detail: 'There is no session, or it has ended',
      requestId: '',
    }),
    { status: 401, headers: { 'content-type': 'application/problem+json' } },
  )

/** @throws {Fault} `unexpected_response`; SyntaxError if a proxy responded with something else than JSON */
async function tokensIn(response: Response): Promise<Tokens> {
  const tokens = (await response.json()) as Tokens
  if (typeof tokens.accessToken !== 'string') throw new Fault('unexpected_response')
  return tokens
}

/** The id of the account in an access token, or undefined if it cannot be read. */
function subjectOf(accessToken: string): string | undefined {
  try {
    const [, claims = ''] = accessToken.split('.')
    return (JSON.parse(atob(claims.replace(/-/g, '+').replace(/_/g, '/'))) as { sub?: string }).sub
  } catch {
    return undefined
  }
}
