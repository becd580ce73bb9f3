/**
 * Emailed links that an email program or a gateway has modified: the token, which belongs in the fragment, arrives in
 * the path or the query, or punctuation follows the path.
 */

/** After the path of a page: encoded characters and punctuation (`%23`, `%2523`, `)`), and possibly the token. */
const DAMAGE = /^\/?(?:%(?:25)*[\da-f]{2}|[^\w/%])+(?:token.*)?$/i
const QUERY_WITH_TOKEN = /[?&]token(?:=|%3d)/i

/**
 * The intended page of a damaged link.
 *
 * @param url path below the prefix of the pages, and query
 * @param paths of the pages
 * @returns undefined if the link is intact, or not one of the service
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
