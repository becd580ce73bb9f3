/** Where the service is, from where this file is: <root>/app/assets/<version>/addresses.js. */
export const ROOT = new URL('../../../', import.meta.url)

/** A page, such as `account`. Only names that stand in the code: no page takes a destination from outside. */
export function pageAddress(page: string): string {
  return new URL(`app/${page}`, ROOT).href
}
