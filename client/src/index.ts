/** The client of latchkey: typed calls, and a session that lasts over tabs, reloads and lost responses. */
import createFetch from 'openapi-fetch'
import type { components, operations, paths } from './api.ts'
import { codeOf, exchangeBy, pause } from './exchange.ts'
import { type Body, local, type Result, resultOf } from './result.ts'
import { createSession, type SessionEnd, type SessionState, type Tokens } from './session.ts'
import { memoryStorage, type TokenStorage } from './storage.ts'
import { globals } from './tabs.ts'

export type { Body, Data, LocalProblem, Operation, Problem, Result, ValidationError } from './result.ts'
export type { SessionEnd, SessionState } from './session.ts'
export { memoryStorage, type TokenStorage } from './storage.ts'
export type User = components['schemas']['User']
export type Session = components['schemas']['Session']
export type AccountEvent = components['schemas']['Event']

/** How a client is made. */
export interface ClientOptions {
  /** Address of the service, such as `https://accounts.example.org`; by default the origin of the page. */
  baseUrl?: string
  /**
   * `cookie`: for browsers, on the site of the service; the refresh token is in a cookie that no script can read.
   * `token`: for apps and servers; the refresh token is in `storage`. By default `cookie` where there is a `document`.
   */
  mode?: 'cookie' | 'token'
  /** In token mode; memory by default. */
  storage?: TokenStorage
  /** Milliseconds until a response must be complete; 30 s by default. */
  timeout?: number
  /** Seconds that a GET waits when the service answers 429 or 503 with `Retry-After`; 10 by default, 0 for never. */
  maxRetryAfter?: number
  /** Instead of the global `fetch`. */
  fetch?: (request: Request) => Promise<Response>
}

type Login<O extends 'logIn' | 'confirmEmail' | 'acceptInvitation'> = Result<
  O,
  SessionState,
  'cookie_refused'
>
type WithoutMode<B> = B extends unknown ? Omit<B, 'mode'> : never

/** Every operation as a method. None rejects: each resolves to `{ ok: true, data }` or `{ ok: false, problem }`. */
export interface Client {
  /** What is known of the session; the same object until it changes. */
  getState(): SessionState
  /** Calls back when the state changes. Returns what ends that. */
  subscribe(listener: () => void): () => void
  /** Calls back when a session ends, here or in another tab. Returns what ends that. */
  onSessionEnd(listener: (reason: SessionEnd) => void): () => void
  /** After a (re)load: asks the service where somebody may be logged in. Offline the state stays `unknown`. */
  restore(): Promise<SessionState>
  /** Asks for a new access token, whatever is known. Calls refresh by themselves. */
  refresh(): Promise<Result<'refresh', SessionState>>
  /** A valid access token for another API that accepts it; undefined without a session or a connection. */
  accessToken(): Promise<string | undefined>

  register(body: Body<'register'>): Promise<Result<'register'>>
  resendConfirmation(body: Body<'resendConfirmation'>): Promise<Result<'resendConfirmation'>>
  /** Confirms an address and logs in. `cookie_refused`: the browser keeps no cookie; the address is confirmed. */
  confirmEmail(body: WithoutMode<Body<'confirmEmail'>>): Promise<Login<'confirmEmail'>>
  /** Accepts an operator's invitation, sets the password and logs in. */
  acceptInvitation(body: WithoutMode<Body<'acceptInvitation'>>): Promise<Login<'acceptInvitation'>>
  /** `cookie_refused`: the browser keeps no cookie. */
  login(body: WithoutMode<Body<'logIn'>>): Promise<Login<'logIn'>>
  /** Succeeds also where the session had ended. */
  logout(): Promise<Result<'logOut'>>

  requestPasswordReset(body: Body<'requestPasswordReset'>): Promise<Result<'requestPasswordReset'>>
  checkPasswordReset(body: Body<'checkPasswordReset'>): Promise<Result<'checkPasswordReset'>>
  resetPassword(body: Body<'confirmPasswordReset'>): Promise<Result<'confirmPasswordReset'>>
  requestPasswordChange(body: Body<'requestPasswordChange'>): Promise<Result<'requestPasswordChange'>>
  /** Ends every session of the account, this one too. */
  changePassword(body: Body<'confirmPasswordChange'>): Promise<Result<'confirmPasswordChange'>>
  requestEmailChange(body: Body<'requestEmailChange'>): Promise<Result<'requestEmailChange'>>
  changeEmail(body: Body<'confirmEmailChange'>): Promise<Result<'confirmEmailChange'>>
  secureAccount(body: Body<'secureAccount'>): Promise<Result<'secureAccount'>>

  me(): Promise<Result<'me'>>
  updateMe(body: Body<'updateMe'>): Promise<Result<'updateMe'>>
  /** Deletes the account and ends the session. */
  deleteMe(body: Body<'deleteMe'>): Promise<Result<'deleteMe'>>
  events(query?: NonNullable<operations['listEvents']['parameters']['query']>): Promise<Result<'listEvents'>>
  exportMe(): Promise<Result<'exportAccount'>>
  sessions(): Promise<Result<'listSessions'>>
  endSession(id: string): Promise<Result<'endSession'>>
  endOtherSessions(): Promise<Result<'endOtherSessions'>>
}

/** Retries of a GET after 429 or 503. */
const RETRIES = 2

/**
 * Makes a client. An application needs one.
 *
 * @throws Error where cookie mode is given a storage, or no address is known
 */
export function createClient(options: ClientOptions = {}): Client {
  const { baseUrl = '', timeout = 30_000, maxRetryAfter = 10 } = options
  const { mode = globals.document && options.storage === undefined ? 'cookie' : 'token' } = options
  if (mode === 'cookie' && options.storage !== undefined) throw new Error('cookie mode takes no storage')
  if (baseUrl === '' && !globals.location) throw new Error('baseUrl is missing')
  const inCookie = mode === 'cookie' ? ({ mode: 'cookie' } as const) : {}
  const exchange = exchangeBy(options.fetch ?? (request => fetch(request)), timeout)
  const api = createFetch<paths>({
    baseUrl,
    fetch: request => exchange(request),
    credentials: mode === 'cookie' ? 'include' : 'same-origin',
    redirect: 'error',
    // Node's types of fetch do not know it.
    ...({ cache: 'no-store' } as object),
  })
  const session = createSession({
    // A session in memory is this tab's alone.
    sharedAs: mode === 'cookie' || options.storage ? `latchkey:${absolute(baseUrl)}` : undefined,
    storage: mode === 'cookie' ? undefined : (options.storage ?? memoryStorage()),
    askForTokens,
  })

  async function askForTokens(refreshToken?: string, timeout?: number): Promise<Response> {
    let received: Response | undefined
    const { response } = await api.POST('/token/refresh', {
      body: refreshToken === undefined ? { mode: 'cookie' } : { refreshToken },
      // Goes on though the page is left: the next page would show a spent token.
      keepalive: true,
      fetch: async request => {
        received = await exchange(request, timeout)
        return received.clone()
      },
    })
    return received ?? response
  }

  /** Sends a request in the name of the session. Only 401 `unauthenticated` leads to a refresh, and only once. */
  async function asMe(request: Request, token?: string): Promise<Response> {
    const bearer = token ?? (await session.bearer())
    if (typeof bearer !== 'string') return bearer
    const response = await exchange(withBearer(request.clone(), bearer))
    if (response.status !== 401 || (await codeOf(response)) !== 'unauthenticated') return response
    const renewed = await session.bearer(bearer)
    return typeof renewed === 'string' ? exchange(withBearer(request, renewed)) : renewed
  }

  /** Waits as the service asks, for requests that change nothing. */
  async function patiently(request: Request): Promise<Response> {
    for (let tries = 0; ; tries++) {
      const response = await asMe(request.clone())
      const seconds = Number(response.headers.get('retry-after'))
      const again = /429|503/.test(String(response.status)) && seconds > 0 && seconds <= maxRetryAfter
      if (!again || tries === RETRIES) return response
      await pause(seconds * 1000)
    }
  }

  /** Takes over a session that has just begun, if the browser kept its cookie: nobody could refresh it otherwise. */
  async function beginBy<O extends 'logIn' | 'confirmEmail' | 'acceptInvitation'>(
    reply: Promise<{ data?: Tokens; error?: unknown; response: Response }>,
  ): Promise<Login<O>> {
    const result = await resultOf<O>(reply)
    if (!result.ok) return result
    session.begin()
    let tokens = result.data as Tokens
    if (mode === 'cookie') {
      const check = await askForTokens().catch(() => undefined)
      if (check?.ok) tokens = (await check.json()) as Tokens
      else if (check?.status === 401) {
        const fetch = (request: Request) => exchange(withBearer(request, tokens.accessToken))
        await resultOf(api.POST('/logout', { body: inCookie, fetch }))
        return { ok: false, problem: local('cookie_refused') }
      }
    }
    await session.keep(tokens)
    return { ok: true, data: session.getState() }
  }

  /** For calls after which the session has ended. */
  async function ending<R extends { ok: boolean }>(reason: SessionEnd, call: Promise<R>): Promise<R> {
    const result = await call
    if (result.ok) await session.end(reason)
    return result
  }

  /** For calls that end every session of an account, which may be the one of this session. */
  async function rechecking<R extends { ok: boolean }>(call: Promise<R>): Promise<R> {
    const result = await call
    if (result.ok && session.getState().status !== 'logged_out') {
      await session.renew(session.lastToken()).catch(() => {})
    }
    return result
  }

  const me = { fetch: (request: Request) => asMe(request) }
  const get = { fetch: patiently }
  return {
    getState: session.getState,
    subscribe: session.subscribe,
    onSessionEnd: session.onEnd,
    async restore() {
      if (session.getState().status === 'unknown') await session.bearer().catch(() => {})
      return session.getState()
    },
    async refresh() {
      const reply = session.renew(session.lastToken())
      const result = await resultOf<'refresh'>(
        reply.then(async refusal => ({
          error: await refusal?.clone().json(),
          response: refusal ?? new Response(),
        })),
      )
      return result.ok ? { ok: true, data: session.getState() } : result
    },
    async accessToken() {
      const bearer = await session.bearer().catch(() => undefined)
      return typeof bearer === 'string' ? bearer : undefined
    },

    register: body => resultOf(api.POST('/register', { body })),
    resendConfirmation: body => resultOf(api.POST('/confirm-email/resend', { body })),
    confirmEmail: body =>
      session.oneAtATime(() => beginBy(api.POST('/confirm-email', { body: { ...body, ...inCookie } }))),
    acceptInvitation: body =>
      session.oneAtATime(() => beginBy(api.POST('/invitation/accept', { body: { ...body, ...inCookie } }))),
    login: body => session.oneAtATime(() => beginBy(api.POST('/login', { body: { ...body, ...inCookie } }))),
    async logout() {
      // An access token that has expired will do.
      const fetch = (request: Request) => asMe(request, session.lastToken())
      const result = await resultOf<'logOut'>(api.POST('/logout', { body: inCookie, fetch }))
      if (!result.ok && result.problem.code !== 'unauthenticated') return result
      await session.end('logged_out')
      return { ok: true, data: undefined }
    },

    requestPasswordReset: body => resultOf(api.POST('/password-reset/request', { body })),
    checkPasswordReset: body => resultOf(api.POST('/password-reset/check', { body })),
    resetPassword: body => rechecking(resultOf(api.POST('/password-reset/confirm', { body }))),
    requestPasswordChange: body => resultOf(api.POST('/password-change/request', { body, ...me })),
    changePassword: body =>
      ending('password_changed', resultOf(api.POST('/password-change/confirm', { body, ...me }))),
    requestEmailChange: body => resultOf(api.POST('/email-change/request', { body, ...me })),
    changeEmail: body => resultOf(api.POST('/email-change/confirm', { body })),
    secureAccount: body => rechecking(resultOf(api.POST('/account/secure', { body }))),

    me: () => resultOf(api.GET('/me', get)),
    updateMe: body => resultOf(api.PATCH('/me', { body, ...me })),
    deleteMe: body => ending('account_deleted', resultOf(api.DELETE('/me', { body, ...me }))),
    events: query => resultOf(api.GET('/me/events', { ...(query && { params: { query } }), ...get })),
    exportMe: () => resultOf(api.GET('/me/export', get)),
    sessions: () => resultOf(api.GET('/sessions', get)),
    endSession: id => resultOf(api.DELETE('/sessions/{id}', { params: { path: { id } }, ...me })),
    endOtherSessions: () => resultOf(api.DELETE('/sessions', me)),
  }
}

function withBearer(request: Request, token: string): Request {
  request.headers.set('authorization', `Bearer ${token}`)
  return request
}

/** The same for every spelling of the service's address. */
function absolute(baseUrl: string): string {
  const { location } = globals
  return (location ? new URL(baseUrl || '/', location.href).href : baseUrl).replace(/\/$/, '')
}
