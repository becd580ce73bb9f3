/** Sends one request and reads its complete response. */
import { Fault } from './result.ts'

/** Sends a request once, and reads the response to its end. */
export type Exchange = (request: Request, milliseconds?: number) => Promise<Response>

/**
 * @param fetch the global `fetch`, or a replacement
 * @param timeout default milliseconds until the response must be complete
 * @returns rejects with a `Fault` with `timeout` or `network`
 */
export function exchangeBy(fetch: (request: Request) => Promise<Response>, timeout: number): Exchange {
  return async (request, milliseconds = timeout) => {
    const controller = new AbortController()
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      controller.abort()
    }, milliseconds)
    try {
      const response = await fetch(new Request(request, { signal: controller.signal }))
      // Under the timeout too, because a body may be cut off or never end.
      const text = await response.text()
      const headers: Record<string, string> = {}
      for (const name of ['content-type', 'retry-after']) {
        const value = response.headers.get(name)
        if (value !== null) headers[name] = value
      }
      return new Response(text === '' ? null : text, { status: response.status, headers })
    } catch (error) {
      throw new Fault(timedOut ? 'timeout' : 'network', error)
    } finally {
      clearTimeout(timer)
    }
  }
}

/** The code of a problem document; undefined for any other response. */
export async function codeOf(response: Response): Promise<unknown> {
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => undefined)
  return (body as { code?: unknown } | undefined)?.code
}

/** @param milliseconds from now */
export const pause = (milliseconds: number) => new Promise<void>(done => setTimeout(done, milliseconds))
