/** The tables of the README and of docs/configuration.md against the code; test/system/docs runs their commands. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { EXIT_CODES } from '../../../src/cli/command.ts'
import { GROUPS } from '../../../src/cli/commands.ts'
import { synopsis } from '../../../src/cli/help.ts'
import { describeEnvironment } from '../../../src/config/config.ts'

const ROOT = dirname(fileURLToPath(import.meta.resolve('#root/package.json')))
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

t.test(
  'docs/configuration.md lists each variable once, with the default and description of the schema',
  async t => {
    const listed = read('docs/configuration.md').match(/^\| `.*$/gm) ?? []
    const rows = describeEnvironment().map(
      variable =>
        `| \`${variable.name}\` | ${variable.default === '' ? '' : `\`${variable.default}\``} | ${variable.description} |`,
    )
    t.strictSame(listed.sort(), rows.sort())
  },
)

t.test('the endpoint table lists the operations of the OpenAPI document', async t => {
  const document = JSON.parse(read('openapi/openapi.json'))
  const documented = Object.entries(document.paths as Record<string, object>)
    .flatMap(([path, operations]) => Object.keys(operations).map(method => `${method.toUpperCase()} ${path}`))
    .sort()
  const section = /## Endpoints\n(.*?)\n## /s.exec(read('README.md'))?.[1] ?? ''
  const listed = [...section.matchAll(/^\| ((?:GET|POST|PATCH|DELETE) \/[^|]*?) \|/gm)]
    .flatMap(([, cell]) => (cell as string).split(', '))
    .filter(operation => !/\/docs|\/openapi.json|\/.well-known\/change-password/.test(operation))
    .sort()
  t.strictSame(listed, documented)
})

t.test('every link of the documentation leads to a file and a heading that exist', async t => {
  const documents = [
    'README.md',
    'SECURITY.md',
    ...readdirSync(join(ROOT, 'docs')).map(name => `docs/${name}`),
  ]
  const faults: string[] = []
  for (const document of documents.filter(name => name.endsWith('.md'))) {
    for (const [, target = ''] of read(document).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(https?|mailto):/.test(target)) continue
      const [path = '', heading] = target.split('#')
      const file = path === '' ? document : join(dirname(document), path)
      if (!existsSync(join(ROOT, file))) faults.push(`${document}: ${target} does not exist`)
      else if (heading && !headingsOf(read(file)).includes(heading))
        faults.push(`${document}: ${target} is no heading`)
    }
  }
  t.strictSame(faults, [])
})

t.test('every file of src/ and web/ that a document names in code exists', async t => {
  const roots = ['', 'src', 'docs']
  const faults: string[] = []
  for (const document of ['README.md', ...readdirSync(join(ROOT, 'docs')).map(name => `docs/${name}`)]) {
    if (!document.endsWith('.md')) continue
    for (const [, path = ''] of read(document).matchAll(/`([a-z][\w-]*(?:\/[\w.-]+)+\.c?ts)`/g)) {
      if (!roots.some(root => existsSync(join(ROOT, root, path)))) faults.push(`${document}: ${path}`)
    }
  }
  t.strictSame(faults, [])
})

/** The fragments that a Markdown viewer creates for headings. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

t.test('docs/operate.md lists each command and exit code of the command line', async t => {
  const text = read('docs/operate.md')
  const listed = [...text.matchAll(/^\| `([a-z][^`]*)` \| ([^|]*) \|$/gm)].map(([, command, what]) => [
    command,
    what,
  ])
  const commands = (await Promise.all(GROUPS.map(({ load }) => load()))).flat()
  const rows = commands.map(command => [
    synopsis(command).replace(/^latchkey | \[options\]$/g, ''),
    command.summary,
  ])
  const names = new Set(commands.map(({ name }) => name.split(' ')[0]))
  t.strictSame(
    listed.filter(([command = '']) => names.has(command.split(' ')[0] ?? '')),
    rows,
  )
  const codes = [...text.matchAll(/^\| (\d) \| ([^|]*) \|$/gm)].map(([, code, what]) => [Number(code), what])
  t.strictSame(codes, EXIT_CODES)
  const blocks = text.match(/^```sh\b.*$/gm) ?? []
  t.ok(blocks.length > 5)
  t.strictSame(
    blocks.filter(fence => !/^```sh \S+$/.test(fence)),
    [],
    'a test runs every block',
  )
})
