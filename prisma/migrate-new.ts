/** `npm run migrate:new NAME`: writes the migration that the models now ask for. */
import { newMigration } from './new-migration.ts'

try {
  const name = await newMigration(process.argv[2] ?? '')
  process.stdout.write(
    name === undefined
      ? 'Nothing to do: prisma/models.prisma asks for no change of the database.\n'
      : `Wrote prisma/sqlite/migrations/${name} and prisma/postgresql/migrations/${name}. Read both before you commit them.\n`,
  )
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}
