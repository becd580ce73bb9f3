import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Provider } from './client.ts'

/** A migration as it lies in its folder. */
export interface Migration {
  /** The folder's name: `<UTC timestamp>_<name>`, so that the names sort by age. */
  name: string
  script: string
}

/** The project's own `prisma` folder. */
export const PRISMA_FOLDER = fileURLToPath(new URL('prisma', import.meta.resolve('#root/package.json')))

export const migrationsFolder = (prismaFolder: string, provider: Provider) =>
  join(prismaFolder, provider, 'migrations')

/** The names of a provider's migrations, oldest first. */
export const migrationNames = (prismaFolder: string, provider: Provider): string[] =>
  readdirSync(migrationsFolder(prismaFolder, provider), { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name)
    .sort()

/**
 * The migrations of a provider, oldest first.
 *
 * @throws Error if a migration's folder holds no migration.sql
 */
export const readMigrations = (prismaFolder: string, provider: Provider): Migration[] =>
  migrationNames(prismaFolder, provider).map(name => ({
    name,
    script: readFileSync(join(migrationsFolder(prismaFolder, provider), name, 'migration.sql'), 'utf8'),
  }))

/**
 * Whether a script is the one that a checksum was made of: SHA-256 in hex, as Prisma writes it to
 * `_prisma_migrations`. As in Prisma, a change of the line ends alone (git's autocrlf) is none.
 */
export function hasChecksum(script: string, checksum: string): boolean {
  const unix = script.replaceAll('\r\n', '\n')
  return [script, unix, unix.replaceAll('\n', '\r\n')].some(
    text => createHash('sha256').update(text).digest('hex') === checksum,
  )
}
