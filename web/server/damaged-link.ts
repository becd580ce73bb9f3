/**
 * Mailed links that a mail program or a gateway has changed, so that the token, which belongs in the fragment, comes
 * to the server in the path or the query, or punctuation sticks to the path.
 */

/** Behind the path of a page: encoded characters and punctuation (`%23`, `%2523`, `)`), and perhaps the token. */
const DAMAGE = /^\/?(?:%(?:25)*[\da-f]{2}|[^\w/%])+(?:token.*)?$/i
const QUERY_WITH_TOKEN = /[?&]token(?:=|%3d)/i

/**
 * The page that a link was meant to lead to.
 *
 * @param url path below the prefix of the pages, and query
 * @param paths of the pages
 * @returns undefined where the link is whole, or is none of ours
 */
export function damagedLinkTo(url: string, paths: string[]): string | undefined {
  const [path = '', query] = url.split(/(?=\?)/, 2)
  const page = paths.find(one => one !== '' && path.startsWith(one))
  if (page === undefined) return undefined
  const rest = path.slice(page.length)
  const carriesToken = query !== undefined && QUERY_WITH_TOKEN.test(query)
  if (rest === '' || rest === '/') return carriesToken ? page : undefined
  return DAMAGE.test(rest) ? page : undefined
}
