import { defineConfig } from 'prisma/config'

// `prisma generate` does not run the native schema engine, but the CLI downloads it unless this variable names an
// existing file (prisma/prisma#29150). src/database/migrations.ts applies migrations.
process.env['PRISMA_SCHEMA_ENGINE_BINARY'] ??= process.execPath

export default defineConfig({})
