/** One request and its complete response. */
import { Fault } from './result.ts'

/** Sends a request once, and reads the response to its end. */
export type Exchange = (request: Request, milliseconds?: number) => Promise<Response>

/**
 * @param fetch such as the global one
 * @param patience milliseconds until a response must be complete
 * @returns throws a `Fault` with `timeout` or `network`
 */
export function exchangeBy(fetch: (request: Request) => Promise<Response>, patience: number): Exchange {
  return async (request, milliseconds = patience) => {
    const controller = new AbortController()
    let late = false
    const timer = setTimeout(() => {
      late = true
      controller.abort()
    }, milliseconds)
    try {
      const response = await fetch(new Request(request, { signal: controller.signal }))
      // A body may be cut off, or never end.
      const text = await response.text()
      const headers: Record<string, string> = {}
      for (const name of ['content-type', 'retry-after']) {
        const value = response.headers.get(name)
        if (value !== null) headers[name] = value
      }
      return new Response(text === '' ? null : text, { status: response.status, headers })
    } catch (error) {
      throw new Fault(late ? 'timeout' : 'network', error)
    } finally {
      clearTimeout(timer)
    }
  }
}

/** The code of a problem document; undefined where the response is none. */
export async function codeOf(response: Response): Promise<unknown> {
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => undefined)
  return (body as { code?: unknown } | undefined)?.code
}

/** @param milliseconds from now */
export const pause = (milliseconds: number) => new Promise<void>(done => setTimeout(done, milliseconds))
