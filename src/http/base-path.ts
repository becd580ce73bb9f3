/**
 * The service below a path, such as https://example.org/accounts: behind a proxy that strips the path from
 * requests, and behind one that passes it on.
 */
import { basePath } from '../config/urls.ts'

/**
 * Strips the path of APP_URL from request targets that begin with it.
 *
 * A path whose first segment is one of the service's own, such as /app, stays: `/app/login` is then what a
 * proxy that strips the path makes of `/app/app/login`.
 *
 * @param appUrl APP_URL
 * @returns `note`, an `onRoute` hook that learns which segments are the service's own, and `strip`
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
