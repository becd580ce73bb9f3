/** The session: its tokens, one refresh at a time, and who is told of its begin and end. */
import { codeOf, pause } from './exchange.ts'
import { Fault } from './result.ts'
import type { TokenStorage } from './storage.ts'
import { type Message, noTabs, otherTabs, surroundings, type Tabs } from './tabs.ts'

/**
 * What is known of the session. `unknown` is the state after a (re)load, until `restore()` or a call has asked.
 * `userId` is the `sub` of the access token.
 */
export interface SessionState {
  status: 'unknown' | 'logged_in' | 'logged_out'
  userId?: string | undefined
}

/**
 * Why a session ended.
 *
 * - `logged_out`: here or in another tab
 * - `revoked`: the service refused to refresh it; it expired, or was ended on another device
 * - `password_changed`, `account_deleted`: by a call of this client
 * - `replaced`: another account logged in, in another tab
 */
export type SessionEnd = 'logged_out' | 'revoked' | 'password_changed' | 'account_deleted' | 'replaced'

/** The part of a token pair that is used here. */
export interface Tokens {
  accessToken: string
  /** Seconds. */
  expiresIn: number
  /** In token mode. */
  refreshToken?: string | undefined
}

/** What the session is made with. */
export interface SessionOptions {
  /** Tells apart the sessions of one origin; undefined where no other tab has this one. */
  sharedAs: string | undefined
  /** Where the refresh token is; undefined in cookie mode. */
  storage: TokenStorage | undefined
  /** POST /token/refresh with this refresh token, or by cookie. */
  askForTokens(refreshToken: string | undefined, patience?: number): Promise<Response>
}

export type Session = ReturnType<typeof createSession>

/**
 * Milliseconds for the first tries of a refresh; one more has the usual patience. All begin within the 10 s in which the
 * service hands out the same successor again, so that a lost response is made good.
 */
const PATIENCE = [4000, 4000]
/** Milliseconds before the second try, a quarter more or less; twice that before the third. */
const FIRST_PAUSE = 300
/** Milliseconds before its end at which a visible page renews a token; at most a fifth of its life. */
const AHEAD = 60_000

export function createSession({ sharedAs, storage, askForTokens }: SessionOptions) {
  let state: SessionState = { status: 'unknown' }
  let access: { token: string; expiresAt: number; renewAt: number } | undefined
  /** A refresh token that the storage refused. */
  let unstored: string | undefined
  let renewing: Promise<Response | undefined> | undefined
  let renewal: ReturnType<typeof setTimeout> | undefined
  /** Grows with each login and each end: what a refresh brings that began before is of no use. */
  let generation = 0
  const listeners = new Set<() => void>()
  const endListeners = new Set<(reason: SessionEnd) => void>()
  const document = surroundings.document
  const tabs: Tabs = document && sharedAs !== undefined ? otherTabs(sharedAs, hear, look) : noTabs
  document?.addEventListener('visibilitychange', renewAhead)
  // Nobody logged in here: a stranger's first visit asks for nothing.
  if (tabs.hint() === false) state = { status: 'logged_out' }

  function become(next: SessionState): void {
    if (next.status === state.status && next.userId === state.userId) return
    state = next
    for (const listener of listeners) listener()
  }

  function take({ accessToken, expiresAt }: Extract<Message, { accessToken: string }>, heard: boolean): void {
    const life = expiresAt - Date.now()
    access = { token: accessToken, expiresAt, renewAt: expiresAt - Math.min(AHEAD, life / 5) }
    const userId = subjectOf(accessToken)
    const replaced = heard && state.status === 'logged_in' && state.userId !== userId
    become({ status: 'logged_in', userId })
    if (replaced) for (const listener of endListeners) listener('replaced')
    clearTimeout(renewal)
    if (document) renewal = setTimeout(renewAhead, access.renewAt - Date.now())
  }

  /** Nobody waits for it: a failure shows at the next call. */
  function renewAhead(): void {
    const due = access !== undefined && Date.now() >= access.renewAt && state.status === 'logged_in'
    if (due && document?.visibilityState === 'visible') void renew(access?.token).catch(() => {})
  }

  function hear(message: Message): void {
    generation++
    if ('ended' in message) finish(message.ended as SessionEnd)
    else take(message, true)
  }

  /** For a page that may have missed a message. */
  function look(): void {
    const hint = tabs.hint()
    if (hint === false) finish('logged_out')
    else if (hint && state.status === 'logged_out') become({ status: 'unknown' })
  }

  function finish(reason: SessionEnd, had = state.status === 'logged_in'): void {
    access = undefined
    clearTimeout(renewal)
    become({ status: 'logged_out' })
    if (had) for (const listener of endListeners) listener(reason)
  }

  /** Begins or continues the session with these tokens, here and in the other tabs. */
  async function keep({ accessToken, expiresIn, refreshToken }: Tokens): Promise<void> {
    if (storage !== undefined && refreshToken !== undefined) {
      unstored = refreshToken
      try {
        await storage.set(refreshToken)
        unstored = undefined
      } catch {
        // Kept in memory.
      }
    }
    const message = { accessToken, expiresAt: Date.now() + expiresIn * 1000 }
    tabs.setHint(true)
    tabs.tell(message)
    take(message, false)
  }

  /** Ends the session here and in the other tabs. After a reload only the hint or a stored token tells of it. */
  async function end(reason: SessionEnd, had?: boolean): Promise<void> {
    generation++
    unstored = undefined
    const hinted = tabs.hint()
    tabs.setHint(false)
    tabs.tell({ ended: reason })
    finish(reason, had || hinted || state.status === 'logged_in')
    await forgetStored()
  }

  async function forgetStored(): Promise<void> {
    try {
      await storage?.remove()
    } catch {
      // The service refuses the token that is left.
    }
  }

  const isGood = (refused?: string) =>
    access !== undefined && access.token !== refused && Date.now() < access.expiresAt

  /** @returns the refusal; undefined when there is a new access token */
  function renew(refused?: string): Promise<Response | undefined> {
    renewing ??= tabs
      .oneAtATime(async () => (isGood(refused) ? undefined : renewNow()))
      .finally(() => {
        renewing = undefined
      })
    return renewing
  }

  async function renewNow(): Promise<Response | undefined> {
    const began = generation
    const shown = unstored ?? (await stored())
    if (storage !== undefined && !shown) {
      finish('revoked')
      return over()
    }
    const response = await askPatiently(shown)
    if (response.ok) {
      const tokens = await tokensIn(response)
      if (began === generation) await keep(tokens)
    } else if (response.status === 401 && (await codeOf(response)) === 'refresh_token_invalid') {
      if (began === generation) await end('revoked', storage !== undefined)
      return over()
    } else {
      return response
    }
    return isGood() ? undefined : over()
  }

  async function stored(): Promise<string | undefined> {
    try {
      return (await storage?.get()) ?? undefined
    } catch (error) {
      throw new Fault('storage', error)
    }
  }

  async function askPatiently(shown: string | undefined): Promise<Response> {
    let wait = FIRST_PAUSE
    for (const patience of PATIENCE) {
      try {
        return await askForTokens(shown, patience)
      } catch {
        // Clients that lost one instance must not come back to the next together.
        await pause(wait * (0.75 + Math.random() / 2))
        wait *= 2
      }
    }
    return askForTokens(shown)
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
     * @returns an access token, or why there is none
     */
    async bearer(refused?: string): Promise<string | Response> {
      if (!isGood(refused)) {
        if (state.status === 'logged_out') return over()
        const refusal = await renew(refused)
        // Several calls share it: each reads a body of its own.
        if (refusal !== undefined) return refusal.clone()
      }
      return access?.token ?? over()
    },
    /** The access token as it is, expired or not. */
    lastToken: () => access?.token,
    begin(): void {
      generation++
    },
  }
}

/** As the service answers a call without a session. */
const over = () =>
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

/** @throws SyntaxError where something in between answered instead of the service */
async function tokensIn(response: Response): Promise<Tokens> {
  const tokens = (await response.json()) as Tokens
  if (typeof tokens.accessToken !== 'string') throw new Fault('unexpected_response')
  return tokens
}

/** The account that an access token is for, as far as it can be read. */
function subjectOf(accessToken: string): string | undefined {
  try {
    const [, claims = ''] = accessToken.split('.')
    return (JSON.parse(atob(claims.replace(/-/g, '+').replace(/_/g, '/'))) as { sub?: string }).sub
  } catch {
    return undefined
  }
}
