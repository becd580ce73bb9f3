/** Where the service is, from where this file is: <root>/app/assets/<version>/addresses.js. */
const ROOT = new URL('../../../', import.meta.url)

/** An endpoint of the API, such as `login`. */
export function endpoint(path: string): URL {
  return new URL(path, ROOT)
}

/** A page, such as `account`. Only names that stand in the code: no page takes a destination from outside. */
export function pageAddress(page: string): string {
  return new URL(`app/${page}`, ROOT).href
}
