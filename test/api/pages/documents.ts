/** Parsing pages without a browser: their markup is our own and simple. */

/** Every page, below the root of the service. */
export const PATHS = [
  '/app',
  '/app/register',
  '/app/login',
  '/app/confirm-email',
  '/app/accept-invitation',
  '/app/forgot-password',
  '/app/reset-password',
  '/app/change-email',
  '/app/account',
  '/app/secure',
]

export interface Tag {
  name: string
  attributes: Record<string, string>
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }

/** Characters of entities. */
export function unescapeHtml(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ENTITIES[name] ?? '')
}

/** Every opening tag, in document order. */
export function tagsOf(document: string): Tag[] {
  return [...document.matchAll(/<([a-z][a-z0-9]*)((?:\s+[\w-]+(?:="[^"]*")?)*)\s*\/?>/g)].map(
    ([, name = '', attributes = '']) => ({
      name,
      attributes: Object.fromEntries(
        [...attributes.matchAll(/([\w-]+)(?:="([^"]*)")?/g)].map(([, key = '', value = '']) => [
          key,
          unescapeHtml(value),
        ]),
      ),
    }),
  )
}

/** Every address in a document, as written. */
export function addressesIn(document: string): string[] {
  return tagsOf(document).flatMap(({ attributes: { href, src, action } }) =>
    [href, src, action].filter(address => address !== undefined),
  )
}
