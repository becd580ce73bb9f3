/** Runs commands of the documentation as a reader runs them: in a folder with what the service was built to. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Teardown } from '../../harness/database.ts'

const ROOT = join(fileURLToPath(import.meta.resolve('#root/package.json')), '..')

/** A folder that looks like an installed service and has no data; it is removed with the test. */
export function installation(t: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-docs-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of ['dist', 'node_modules']) symlinkSync(join(ROOT, name), join(folder, name))
  return folder
}

/**
 * Runs a script in Bash, which stops at the first command that fails.
 *
 * @param env variables besides PATH
 * @throws Error with the output when a command fails
 */
export function runInFolder(cwd: string, script: string, env: Record<string, string> = {}) {
  return promisify(execFile)('bash', ['--norc', '-euo', 'pipefail', '-c', script], {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', ...env },
  })
}

/**
 * The code block of a document, without blanks around it, with these words behind its fence, such as `sql rollback`.
 *
 * @throws Error when there is none
 */
export function block(document: string, words: string): string {
  const text = readFileSync(join(ROOT, document), 'utf8')
  const code = new RegExp(`^\\s*\`\`\`${words}\\n(.*?)\`\`\``, 'ms').exec(text)?.[1]
  if (code === undefined) throw new Error(`${document} has no block "${words}"`)
  return code.trim()
}
