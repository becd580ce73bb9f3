// Several test files in one process: starting a process and an app costs more than most files.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const TESTS = fileURLToPath(new URL('..', import.meta.url))

/** A file of the gate; `.slow`, `.browser` and others belong to other tiers. */
const GATE_FILE = /^[^.]+\.test\.js$/

/**
 * Imports all test files of some folders, one after the other.
 *
 * @param folders below test/, such as `api/accounts`
 * @param part every `of`th file, from `part` on; all by default
 * @throws Error if a folder has no test file
 */
export async function runTogether(
  folders: string[],
  { part, of }: { part: number; of: number } = { part: 0, of: 1 },
): Promise<void> {
  const files = folders.flatMap(folder => {
    const found = readdirSync(join(TESTS, folder), { recursive: true, encoding: 'utf8' })
      .filter(name => GATE_FILE.test(name.split('/').at(-1) as string))
      .sort()
      .map(name => join(TESTS, folder, name))
    if (found.length === 0) throw new Error(`no test file in test/${folder}`)
    return found
  })
  for (const file of files.filter((_file, index) => index % of === part)) await import(file)
}
