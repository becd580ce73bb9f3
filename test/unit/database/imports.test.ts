/** The database room imports nothing above it, and no files of it import each other in a circle, by types neither. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const source = join(dirname(fileURLToPath(import.meta.resolve('#root/package.json'))), 'src')
const room = join(source, 'database')

/** Files beside the room that know of nothing but themselves. */
const LEAVES = ['shared/network.ts', 'shared/outage-log.ts', 'shared/postgresql-url.ts']

/** What each file of the room imports from this project, by paths from `src/`. */
const imports = new Map(
  readdirSync(room, { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.ts'))
    .map(path => {
      const file = join(room, path)
      const specifiers = [...readFileSync(file, 'utf8').matchAll(/(?:from|import\() ?'(\.[^']+)'/g)]
      const imported = specifiers.map(([, to]) => relative(source, join(dirname(file), to as string)))
      return [relative(source, file), imported] as const
    }),
)

t.test('nothing above the room is imported', async t => {
  t.ok(imports.size >= 10, `${imports.size} files`)
  for (const [file, imported] of imports) {
    const above = imported.filter(path => !/^(database|generated)\//.test(path) && !LEAVES.includes(path))
    t.strictSame(above, [], file)
  }
})

t.test('no file imports itself through others', async t => {
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
    (imports.get(from) ?? []).some(next => {
      if (next === to) return true
      if (seen.has(next)) return false
      seen.add(next)
      return reaches(next, to, seen)
    })
  for (const file of imports.keys()) t.notOk(reaches(file, file), file)
})
