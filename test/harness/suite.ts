/** Test files that share one process, since starting a process and its first app costs more than most files take. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const TESTS = fileURLToPath(new URL('..', import.meta.url))

/** A file of the gate; `.slow`, `.browser` and the like mark what other tiers run. */
const GATE_FILE = /^[^.]+\.test\.js$/

/**
 * Imports every test file of some folders, one after the other; each adds its tests to this process's tap.
 *
 * @param folders below test/, such as `api/accounts`
 * @param part which files of the folders: every `of`th, from `part` on; all by default
 * @throws Error when a folder holds no test file
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
