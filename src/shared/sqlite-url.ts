/** `file:` URLs of SQLite. */

/** @returns what is wrong with a `file:` URL; undefined if it names a file. In memory, each connection would see its own database. */
export function sqliteUrlProblem(databaseUrl: string): string | undefined {
  try {
    const path = decodeURIComponent(pathIn(databaseUrl))
    if (path !== '' && !path.includes(':memory:')) return undefined
  } catch {
    // A "%" that encodes nothing.
  }
  return 'expected the path of a file, percent-encoded, such as file:./data/latchkey.db'
}

/** @throws Error for what sqliteUrlProblem reports */
export function sqlitePath(databaseUrl: string): string {
  const problem = sqliteUrlProblem(databaseUrl)
  if (problem !== undefined) throw new Error(`DATABASE_URL: ${problem}`)
  return decodeURIComponent(pathIn(databaseUrl))
}

const pathIn = (databaseUrl: string) =>
  databaseUrl
    .replace(/^file:/, '')
    .replace(/^\/\/(localhost)?(?=\/)/, '')
    .replace(/[?#].*$/, '')
