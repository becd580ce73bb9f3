import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = dirname(fileURLToPath(import.meta.resolve('#root/package.json')))
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const text = read('docs/asvs.md')

/** The levels of ASVS 5.0.0, requirement by requirement: `1.1: '22'` is 1.1.1 and 1.1.2, both of level 2. */
const LEVELS: Record<string, string> = {
  ...{ '1.1': '22', '1.2': '1111122223', '1.3': '112222222223', '1.4': '222', '1.5': '123' },
  ...{ '2.1': '122', '2.2': '112', '2.3': '12223', '2.4': '23' },
  ...{
    '3.1': '3',
    '3.2': '113',
    '3.3': '12223',
    '3.4': '11222233',
    '3.5': '11122333',
    '3.6': '3',
    '3.7': '22333',
  },
  ...{ '4.1': '12233', '4.2': '23333', '4.3': '22', '4.4': '1222' },
  ...{ '5.1': '2', '5.2': '112333', '5.3': '113', '5.4': '222' },
  ...{
    '6.1': '122',
    '6.2': '111111112222',
    '6.3': '11223333',
    '6.4': '112233',
    '6.5': '22222333',
    '6.6': '2223',
  },
  ...{ '6.7': '33', '6.8': '2222', '7.1': '222', '7.2': '1111', '7.3': '22', '7.4': '11222', '7.5': '223' },
  ...{ '7.6': '22', '8.1': '1233', '8.2': '1123', '8.3': '133', '8.4': '23', '9.1': '111', '9.2': '1222' },
  ...{
    '10.1': '22',
    '10.2': '223',
    '10.3': '22223',
    '10.4': '1111122222233333',
    '10.5': '22222',
    '10.6': '22',
  },
  ...{
    '10.7': '222',
    '11.1': '2233',
    '11.2': '22233',
    '11.3': '11233',
    '11.4': '1222',
    '11.5': '23',
    '11.6': '23',
  },
  ...{ '11.7': '33', '12.1': '12233', '12.2': '11', '12.3': '22223', '13.1': '2333', '13.2': '222223' },
  ...{ '13.3': '2233', '13.4': '1222233', '14.1': '22', '14.2': '12223333', '14.3': '122', '15.1': '12233' },
  ...{ '15.2': '12233', '15.3': '1222222', '15.4': '3333', '16.1': '2', '16.2': '22222', '16.3': '2222' },
  ...{ '16.4': '222', '16.5': '2223', '17.1': '23', '17.2': '22223333', '17.3': '22' },
}

const asked = new Map<string, number>(
  Object.entries(LEVELS).flatMap(([section, levels]) =>
    [...levels].map((level, index) => [`${section}.${index + 1}`, Number(level)] as const),
  ),
)
const required: string[] = [...asked].filter(([, level]) => level <= 2).map(([id]) => id)

interface Operation {
  security?: unknown[]
  requestBody?: object
  responses: Record<string, object>
}

interface Row {
  id: string
  level: number
  met: string
  proof: string
}

const rows: Row[] = [...text.matchAll(/^\| (\d+\.\d+\.\d+) \| (\d) \| [^|]+ \| ([^|]+) \| (.+) \|$/gm)].map(
  ([, id = '', level, met = '', proof = '']) => ({ id, level: Number(level), met, proof }),
)

/** The chapters and requirements of the table of what does not apply; `5.*` is a whole chapter. */
const notApplicable = [
  ...(text.split('## Not applicable')[1]?.split(/^## /m)[0] ?? '').matchAll(/^\| ([\d.* ]+) \|/gm),
]
  .flatMap(([, ids = '']) => ids.split(' '))
  .flatMap(id => (id.endsWith('*') ? required.filter(other => other.startsWith(id.slice(0, -1))) : [id]))

t.test('every requirement of levels 1 and 2 is listed once', async t => {
  t.equal(required.length, 253, 'as many as the standard has')
  const answered = [...rows.map(({ id }) => id), ...notApplicable]
  t.strictSame(
    answered.filter((id, index) => answered.indexOf(id) !== index),
    [],
    'none twice',
  )
  const order = (id: string) => required.indexOf(id)
  t.strictSame(
    answered.toSorted((a, b) => order(a) - order(b)),
    required,
  )
  for (const { id, level } of rows) t.equal(level, asked.get(id), `level of ${id}`)
})

t.test('every test and every section that is named exists', async t => {
  let tests = 0
  for (const { id, met, proof } of rows) {
    t.ok(met.length > 3, `${id} says how`)
    if (proof === 'gap') continue
    for (const each of proof.split('<br>')) {
      const [, file, title = ''] = /^`(test\/[\w/-]+\.test\.ts)`: (\S.*)$/.exec(each) ?? []
      const [, page, anchor = ''] = /^\[[^\]]+\]\(([\w./-]+\.md)#([\w-]+)\)$/.exec(each) ?? []
      if (file !== undefined) {
        tests++
        t.ok(existsSync(join(root, file)) && isTitleIn(read(file), title), `${id}: ${each}`)
      } else if (page !== undefined) {
        t.ok(anchorsOf(read(join('docs', page))).includes(anchor), `${id}: ${each}`)
      } else {
        t.fail(`${id} names neither a test, nor a section, nor a gap`, { each })
      }
    }
  }
  t.ok(tests > 100, 'and the table has rows')
})

t.test('every test that the threat model names exists', async t => {
  const named = new Set(
    [...read('docs/threat-model.md').matchAll(/`(test\/[\w/-]+\.test\.ts)`/g)].map(match => match[1]),
  )
  t.ok(named.size > 20)
  for (const file of named) t.ok(existsSync(join(root, `${file}`)), `${file}`)
})

t.test(
  'the threat model lists each operation that takes a password, token or code and no bearer',
  async t => {
    const document = JSON.parse(read('openapi/openapi.json'))
    const open = Object.entries(document.paths as Record<string, Record<string, Operation>>).flatMap(
      ([path, operations]) =>
        Object.entries(operations)
          // A response of 202 only says that an email is being sent.
          .filter(
            ([, { security, requestBody, responses }]) =>
              !security?.length && requestBody && !responses['202'],
          )
          .map(([method]) => `${method.toUpperCase()} ${path}`),
    )
    const section = /## Ways in\n(.*?)\n## /s.exec(read('docs/threat-model.md'))?.[1] ?? ''
    const listed = [...section.matchAll(/^\| (POST [^ ]+) \|/gm)].map(([, operation]) => operation)
    t.strictSame(listed.sort(), open.sort())
  },
)

t.test('the gaps are listed', async t => {
  const listed = /## Gaps\s+([\d., \n]+)\. /.exec(text)?.[1]?.split(/,\s+/)
  t.strictSame(
    listed,
    rows.filter(({ proof }) => proof === 'gap').map(({ id }) => id),
  )
})

/** As the first argument of a call, in any quotes. */
function isTitleIn(source: string, title: string): boolean {
  return (
    // `name: …` in a table of scenarios.
    ["'", '"', '`'].some(quote =>
      ['(', ' name: '].some(before => source.includes(`${before}${quote}${title}${quote}`)),
    ) || onItsOwnLine(source, title)
  )
}

/** Calls that the formatter has wrapped. */
function onItsOwnLine(source: string, title: string): boolean {
  return source.split('\n').some(line => /^(['"`])(.*)\1,?$/.exec(line.trim())?.[2] === title)
}

/** As GitHub creates them. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replace(/\s/g, '-'),
  )
}
