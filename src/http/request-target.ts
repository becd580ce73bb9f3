/** Normalizes the request target before routing: the path of APP_URL is stripped, malformed escapes are escaped. */
import { basePath } from '../config/urls.ts'

/**
 * Strips the path of APP_URL from request targets that start with it.
 *
 * A path that starts with a segment of the service, such as /app, is not changed: a proxy that strips the path turns
 * `/app/app/login` into `/app/login`.
 *
 * @param appUrl APP_URL
 * @returns `note`, an `onRoute` hook that collects the segments of the service, and `strip`
 */
export function pathStripper(appUrl: string) {
  const base = basePath(appUrl)
  const own = new Set<string | undefined>()
  return {
    note: ({ url }: { url: string }): void => void own.add(firstSegment(url)),
    strip(target: string): string {
      if (base === '' || !target.startsWith(base) || own.has(firstSegment(base))) return target
      const rest = target.slice(base.length)
      if (rest.startsWith('/')) return rest
      return rest === '' || rest.startsWith('?') ? `/${rest}` : target
    },
  }
}

function firstSegment(path: string): string | undefined {
  return path.split('/')[1]
}

/**
 * Escapes a path that is not valid percent-encoding, so that it is an ordinary path without a route. The router would
 * respond itself, without limits and log line.
 */
export function escapeMalformed({ url = '/' }: { url?: string | undefined }): string {
  if (!url.includes('%')) return url
  const [path = '/'] = url.split(/[?#]/, 1)
  try {
    decodeURIComponent(path)
    return url
  } catch {
    return url.replaceAll('%', '%25')
  }
}
