/**
 * Imports point one way, as the table in docs/architecture.md says. Type imports count too, and so do uses of what
 * another layer adds to Fastify's types (`app.tokens`, `request.session`): no import shows these.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

/**
 * Imports of each folder or file of `src/`, each folder of `web/`, and `client/`; `docs/architecture.md` has the same
 * table. The process may import anything.
 */
const LAYERS: Record<string, string[]> = {
  accounts: [
    'config',
    'database',
    'errors',
    'http',
    'mail',
    'messages',
    'passwords',
    'sessions',
    'shared',
    'tokens',
  ],
  cli: ['config', 'database', 'errors', 'messages', 'operators', 'shared'],
  config: ['shared'],
  counters: ['config', 'shared'],
  database: ['config', 'generated', 'shared'],
  errors: ['security-events'],
  http: ['config', 'counters', 'database', 'errors', 'security-events', 'shared'],
  jobs: ['config', 'database', 'shared'],
  mail: ['config', 'database', 'messages', 'process-log', 'shared', 'tokens'],
  messages: ['errors'],
  operators: [
    'accounts',
    'config',
    'database',
    'errors',
    'http',
    'mail',
    'messages',
    'sessions',
    'shared',
    'tokens',
  ],
  passwords: ['config', 'counters', 'database', 'errors', 'shared'],
  'process-log': ['config', 'shared'],
  sessions: ['config', 'database', 'errors', 'http', 'mail', 'passwords', 'shared', 'tokens'],
  shared: ['errors'],
  tokens: ['config', 'errors', 'shared'],
  'web/browser': ['client', 'messages'],
  'web/server': ['config', 'errors', 'http', 'messages', 'shared'],
}

/** The process: each of these may import anything, and nothing else imports them. */
const PROCESS = ['app', 'banner', 'latchkey', 'migrate', 'server', 'start']

const root = dirname(fileURLToPath(import.meta.resolve('#root/package.json')))
const filesBelow = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(path => /\.c?ts$/.test(path) && !path.startsWith('generated/'))
    .map(path => join(folder, path))
const FILES = [...filesBelow('src'), ...filesBelow('web'), ...filesBelow('client')]

/** Imports of each file from this project, as paths from its root. */
const IMPORTS = new Map(
  FILES.map(path => {
    const specifiers = readFileSync(join(root, path), 'utf8').matchAll(
      /(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g,
    )
    return [path, [...specifiers].map(([, to]) => normalize(join(dirname(path), to as string)))] as const
  }),
)
const importsOf = (path: string) => IMPORTS.get(path) ?? []

const textOf = (path: string) => readFileSync(join(root, path), 'utf8')

/** Where each property of an app or request is declared, by its name. */
const DECORATIONS = new Map(
  FILES.flatMap(path =>
    [...textOf(path).matchAll(/^declare module 'fastify' \{\n(.*?)^\}/gms)].flatMap(([, block = '']) =>
      [...block.matchAll(/^ {4}(\w+)[?(:]/gm)].map(([, name = '']) => [name, path] as const),
    ),
  ),
)

/** Files that declare what a file uses of an app or request. */
const usedBy = (path: string) => {
  const text = textOf(path)
  const accesses = [...text.matchAll(/\b(?:app|service|this|request|server)\.(\w+)/g)].map(
    ([, name = '']) => name,
  )
  const destructured = [
    ...text.matchAll(
      /\{([^{}]*)\}(?:: FastifyInstance|: App\b| = (?:app|service|this|request|request\.server)\n)/g,
    ),
  ].flatMap(([, names = '']) => names.split(',').map(name => name.trim().replace(/:.*/, '')))
  return [...accesses, ...destructured].map(name => DECORATIONS.get(name)).filter(from => from !== undefined)
}

/** The folder of a file below `src/`, or the file itself if it is in none; `web/server` or `web/browser`. */
const layerOf = (path: string) =>
  path.startsWith('web/')
    ? dirname(path)
    : path.startsWith('client/')
      ? 'client'
      : path.replace(/^src\//, '').replace(/(\/.*|\.c?ts)$/, '')

t.test('no file imports itself through others', async t => {
  t.ok(FILES.length > 100, `${FILES.length} files`)
  const circles = FILES.filter(file => {
    const reached = new Set<string>()
    const queue = [...importsOf(file)]
    for (const next of queue) {
      if (reached.has(next)) continue
      reached.add(next)
      queue.push(...importsOf(next))
    }
    return reached.has(file)
  })
  t.strictSame(circles, [])
})

t.test('each layer imports what the table says, and nothing else', async t => {
  const found: Record<string, string[]> = {}
  for (const file of FILES) {
    const layer = layerOf(file)
    if (PROCESS.includes(layer)) continue
    const others = [...importsOf(file), ...usedBy(file)].map(layerOf).filter(other => other !== layer)
    found[layer] = [...new Set([...(found[layer] ?? []), ...others])].sort()
  }
  t.strictSame(found, { ...LAYERS, client: [], 'security-events': [] })
})

t.test('no layer depends on itself through others', async t => {
  const reach = (layer: string, above: string[]): string[][] =>
    above.includes(layer)
      ? [[...above.slice(above.indexOf(layer)), layer]]
      : (LAYERS[layer] ?? []).flatMap(next => reach(next, [...above, layer]))
  t.strictSame(
    Object.keys(LAYERS).flatMap(layer => reach(layer, [])),
    [],
  )
  t.ok(DECORATIONS.size > 30, `${DECORATIONS.size} decorations`)
})

t.test('http/ imports only the outages of the database', async t => {
  const known = FILES.filter(file => layerOf(file) === 'http').flatMap(importsOf)
  t.strictSame([...new Set(known.filter(path => layerOf(path) === 'database'))], ['src/database/outage.ts'])
})

t.test('scripts for browsers import types alone from elsewhere, but for the client', async t => {
  const elsewhere = FILES.filter(file => layerOf(file) === 'web/browser').flatMap(file =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/^import\b[^']*'\.\.\/[^']+'/gm)].map(
      ([line]) => line,
    ),
  )
  t.ok(elsewhere.length > 0)
  t.strictSame(
    elsewhere.filter(line => !/^import type |'\.\.\/\.\.\/client\//.test(line)),
    [],
  )
})

t.test('a flow is imported by the app alone', async t => {
  const flows = FILES.filter(
    file =>
      /^src\/(accounts|sessions)\//.test(file) &&
      /\bapp\.route[<(]/.test(readFileSync(join(root, file), 'utf8')),
  )
  t.ok(flows.length > 10, `${flows.length} flows`)
  const importers = FILES.filter(file => importsOf(file).some(path => flows.includes(path)))
  t.strictSame(importers, ['src/app.ts'])
})

t.test('the documentation has the same table', async t => {
  const text = readFileSync(join(root, 'docs/architecture.md'), 'utf8')
  const [, section = ''] = text.split('## Layers\n')
  const rows = [...section.matchAll(/^\| `([\w/-]+?)\/?` \| ([^|]*) \|$/gm)]
  const documented = rows.map(([, layer, others = '']) => [
    layer,
    [...others.matchAll(/`([\w-]+)\/?`/g)].map(([, other]) => other),
  ])
  t.strictSame(Object.fromEntries(documented), LAYERS)
})
