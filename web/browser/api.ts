/** Calls of the JSON API, as any front end would make them. */
import type { BrowserWords } from '../../src/messages/en/browser.ts'
import { endpoint } from './addresses.ts'
import type { Refusal } from './refusal.ts'

/** What the API says no with, and what happens where it says nothing. */
export type FailureCode = keyof BrowserWords['problems'] | 'network' | 'timeout' | Refusal

/** A call that did not work. */
export interface Failure {
  code: FailureCode
  /** Seconds after which trying again makes sense. */
  retryAfter?: number
  /** Which members of the body are at fault. */
  fields: string[]
}

/** The answer to a call: its body, or why there is none. */
export type Answer<T> = { ok: true; body: T } | { ok: false; failure: Failure }

/** One call. */
export interface Call {
  method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  path: string
  body?: object
  /** Access token. */
  bearer?: string
  /** Goes on though the page is left. */
  keepalive?: boolean
}

/** Milliseconds; the service sheds load after 10 s and answers everything else in less. */
const PATIENCE = 30_000

/** Makes a call. Never throws. */
export async function call<T = unknown>({
  method = 'POST',
  path,
  body,
  bearer,
  keepalive,
}: Call): Promise<Answer<T>> {
  const patience = new AbortController()
  const timer = setTimeout(() => patience.abort(), PATIENCE)
  try {
    const response = await fetch(endpoint(path), {
      method,
      headers: {
        accept: 'application/json',
        ...(body && { 'content-type': 'application/json' }),
        ...(bearer && { authorization: `Bearer ${bearer}` }),
      },
      ...(body && { body: JSON.stringify(body) }),
      ...(keepalive && { keepalive }),
      cache: 'no-store',
      redirect: 'error',
      signal: patience.signal,
    })
    if (!response.ok) return { ok: false, failure: await failureOf(response) }
    return { ok: true, body: (response.status === 204 ? undefined : await response.json()) as T }
  } catch {
    return { ok: false, failure: { code: patience.signal.aborted ? 'timeout' : 'network', fields: [] } }
  } finally {
    clearTimeout(timer)
  }
}

async function failureOf(response: Response): Promise<Failure> {
  // What stands between here and the service may answer in another form.
  const problem = (await response.json().catch(() => ({}))) as {
    code?: FailureCode
    errors?: { path: string }[]
  }
  const retryAfter = Number(response.headers.get('retry-after') ?? '')
  return {
    code: problem.code ?? (response.status === 429 ? 'rate_limited' : 'internal_error'),
    fields: (problem.errors ?? []).map(({ path }) => path.replace(/^\//, '')),
    ...(retryAfter > 0 && { retryAfter }),
  }
}
