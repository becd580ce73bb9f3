/** A safe piece of HTML. Only the `html` tag creates one. */
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
 * Template tag that escapes every interpolated string for element content and quoted attributes, so that escaping
 * cannot be forgotten. Pieces and lists of pieces are inserted unchanged.
 */
export function html(strings: TemplateStringsArray, ...values: (string | Html | Html[])[]): Html {
  const parts = values.map(value => {
    if (typeof value === 'string') return value.replace(/[&<>"']/g, character => entities[character] ?? '')
    return Array.isArray(value) ? value.map(piece => piece.markup).join('\n') : value.markup
  })
  return { markup: String.raw({ raw: strings }, ...parts) }
}
