/** `npm run migrate:new NAME`: writes a migration for the changes of the models. */
import { newMigration } from './new-migration.ts'

try {
  const name = await newMigration(process.argv[2] ?? '')
  process.stdout.write(
    name === undefined
      ? 'Nothing to do: prisma/models.prisma has no change that needs a migration.\n'
      : `Wrote prisma/sqlite/migrations/${name} and prisma/postgresql/migrations/${name}. Read both before you commit them.\n`,
  )
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}
