import { defineConfig } from 'prisma/config'

// `prisma generate` never runs the native schema engine, yet the CLI downloads it first unless this
// names a file that exists (prisma/prisma#29150). src/database/migrations.ts applies migrations.
process.env['PRISMA_SCHEMA_ENGINE_BINARY'] ??= process.execPath

export default defineConfig({})
