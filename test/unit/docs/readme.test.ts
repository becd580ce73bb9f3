/** The tables of the README against the code; test/system/docs/readme.test.ts runs its tour. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { describeEnvironment } from '../../../src/config/config.ts'

const read = (path: string) => readFileSync(new URL(import.meta.resolve(`#root/${path}`)), 'utf8')
const readme = read('README.md')

t.test('the configuration table lists what the schema says', async t => {
  const table = /<!-- configuration -->\n(.*?)<!-- \/configuration -->/s.exec(readme)?.[1] ?? ''
  const rows = describeEnvironment().map(
    variable =>
      `| \`${variable.name}\` | ${variable.default === '' ? '' : `\`${variable.default}\``} | ${variable.description} |`,
  )
  t.strictSame(table.trim().split('\n').slice(2), rows)
})

t.test('the endpoint table lists the operations of the OpenAPI document', async t => {
  const document = JSON.parse(read('openapi/openapi.json'))
  const documented = Object.entries(document.paths as Record<string, object>)
    .flatMap(([path, operations]) => Object.keys(operations).map(method => `${method.toUpperCase()} ${path}`))
    .sort()
  const section = /## Endpoints\n(.*?)\n## /s.exec(readme)?.[1] ?? ''
  const listed = [...section.matchAll(/^\| ((?:GET|POST|PATCH|DELETE) \/[^|]*?) \|/gm)]
    .flatMap(([, cell]) => (cell as string).split(', '))
    .filter(operation => !/\/docs|\/openapi.json|\/.well-known/.test(operation))
    .sort()
  t.strictSame(listed, documented)
})
