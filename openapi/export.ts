/**
 * Writes openapi/openapi.json from the routes, and client/src/api.ts from that, or with `--check` says whether both are
 * current.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildApp } from '../src/app.ts'
import { loadConfig } from '../src/config/config.ts'
import { clientTypes, headOf, TYPES } from './client-types.ts'

/** The committed document. */
export const DOCUMENT = join(
  fileURLToPath(import.meta.resolve('#root/package.json')),
  '../openapi/openapi.json',
)

/** The document as the routes describe it now, as text. */
export async function currentDocument(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-openapi-'))
  const env = { DATABASE_URL: `file:${folder}/openapi.db`, JWT_SECRET: 'x'.repeat(32), LOG_LEVEL: 'silent' }
  const app = await buildApp(loadConfig(env))
  try {
    await app.ready()
    return `${JSON.stringify(app.swagger(), null, 2)}\n`
  } finally {
    await app.close()
    rmSync(folder, { recursive: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const current = await currentDocument()
  const read = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '')
  if (!process.argv.includes('--check')) {
    writeFileSync(DOCUMENT, current)
    if (!read(TYPES).startsWith(headOf(current))) writeFileSync(TYPES, clientTypes(current))
  } else if (read(DOCUMENT) !== current || read(TYPES) !== clientTypes(current)) {
    process.stderr.write(
      'openapi/openapi.json or client/src/api.ts is not what the routes say: run npm run openapi and commit both\n',
    )
    process.exitCode = 1
  }
}
