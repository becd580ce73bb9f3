/** Twenty kills of a migration on each database. */
import { killMigrations } from './migrations.ts'

killMigrations({ kills: 20 })
