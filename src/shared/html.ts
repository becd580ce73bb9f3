/** A piece of HTML that is safe to put into a page; only the `html` tag makes one. */
export interface Html {
  readonly markup: string
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/**
 * Template tag that escapes every interpolated string for element content and quoted attributes, so
 * that no value (an address, the service's name) can add markup: forgetting to escape is not possible.
 *
 * @returns the assembled piece; values that are pieces themselves, or lists of them, go in as they are
 */
export function html(strings: TemplateStringsArray, ...values: (string | Html | Html[])[]): Html {
  const parts = values.map(value => {
    if (typeof value === 'string') return value.replace(/[&<>"']/g, character => entities[character] ?? '')
    return Array.isArray(value) ? value.map(piece => piece.markup).join('\n') : value.markup
  })
  return { markup: String.raw({ raw: strings }, ...parts) }
}
