/**
 * Writes openapi/openapi.json and openapi/operators.json from the routes, and client/src/api.ts from the first, or with
 * `--check` says whether they are current.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildApp } from '../src/app.ts'
import { loadConfig } from '../src/config/config.ts'
import { buildOperatorApp } from '../src/operators/app.ts'
import { clientTypes, headOf, TYPES } from './client-types.ts'

const file = (name: string) =>
  join(fileURLToPath(import.meta.resolve('#root/package.json')), '../openapi', name)

/** The committed document of the service. */
export const DOCUMENT = file('openapi.json')
/** The committed document of the operators' API. */
export const OPERATORS_DOCUMENT = file('operators.json')

/** The documents as the routes describe them now, as text. */
export async function currentDocuments(): Promise<Map<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-openapi-'))
  const env = { DATABASE_URL: `file:${folder}/openapi.db`, JWT_SECRET: 'x'.repeat(32), LOG_LEVEL: 'silent' }
  const app = await buildApp(loadConfig(env))
  try {
    await app.ready()
    const operators = await buildOperatorApp(app)
    await operators.ready()
    const text = async ({ openapi }: typeof app) => `${JSON.stringify(await openapi(), null, 2)}\n`
    const documents = [
      [DOCUMENT, await text(app)],
      [OPERATORS_DOCUMENT, await text(operators)],
    ] as const
    await operators.close()
    return new Map(documents)
  } finally {
    await app.close()
    rmSync(folder, { recursive: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const documents = await currentDocuments()
  const current = documents.get(DOCUMENT) ?? ''
  const read = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '')
  if (!process.argv.includes('--check')) {
    for (const [path, text] of documents) writeFileSync(path, text)
    if (!read(TYPES).startsWith(headOf(current))) writeFileSync(TYPES, clientTypes(current))
  } else {
    const isCurrent = [...documents].every(([path, text]) => read(path) === text)
    if (isCurrent && read(TYPES) === clientTypes(current)) process.exit()
    process.stderr.write(
      'openapi/openapi.json, openapi/operators.json or client/src/api.ts is not what the routes say: ' +
        'run npm run openapi and commit them\n',
    )
    process.exitCode = 1
  }
}
