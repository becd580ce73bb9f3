/** Looking into pages without a browser: their markup is ours, and plain. */

/** Every page, below the service's root. */
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

/** The characters that entities stand for. */
export function unescapeHtml(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ENTITIES[name] ?? '')
}

/** Every opening tag, in the order of the document. */
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

/** The addresses that a document names, as they stand there. */
export function addressesIn(document: string): string[] {
  return tagsOf(document).flatMap(({ attributes: { href, src, action } }) =>
    [href, src, action].filter(address => address !== undefined),
  )
}
