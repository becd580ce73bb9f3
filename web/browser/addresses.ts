/** Addresses of the service, derived from that of this file: <root>/app/assets/<version>/addresses.js. */
export const ROOT = new URL('../../../', import.meta.url)

/** A page, such as `account`. Only constant names: no page takes a destination from outside. */
export function pageAddress(page: string): string {
  return new URL(`app/${page}`, ROOT).href
}
