/**
 * Writes openapi/openapi.json from the routes, or with `--check` says whether it is current.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildApp } from '../src/app.ts'
import { loadConfig } from '../src/config/config.ts'

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
  if (!process.argv.includes('--check')) {
    writeFileSync(DOCUMENT, current)
  } else if (!existsSync(DOCUMENT) || readFileSync(DOCUMENT, 'utf8') !== current) {
    process.stderr.write(
      'openapi/openapi.json is not what the routes say: run npm run openapi and commit it\n',
    )
    process.exitCode = 1
  }
}
