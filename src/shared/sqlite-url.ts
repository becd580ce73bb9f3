/** `file:` URLs of SQLite. */

/**
 * Returns the path of a `file:` URL. Throws for a database in memory, which each connection would see empty.
 */
export function sqlitePath(databaseUrl: string): string {
  const path = decodeURIComponent(
    databaseUrl
      .replace(/^file:/, '')
      .replace(/^\/\/(localhost)?(?=\/)/, '')
      .replace(/[?#].*$/, ''),
  )
  if (path === '' || path.includes(':memory:')) {
    throw new Error(`DATABASE_URL must name a file, such as file:./data/latchkey.db: ${databaseUrl}`)
  }
  return path
}
