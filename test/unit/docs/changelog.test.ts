import { readFileSync } from 'node:fs'
import t from 'tap'

const lines = readFileSync(new URL(import.meta.resolve('#root/CHANGELOG.md')), 'utf8').split('\n')
const releases = lines.join('\n').split(/^## /m).slice(1)

t.test('the groups of a release are those of Keep a Changelog, each once and in order', async t => {
  const order = ['Added', 'Changed', 'Fixed', 'Security']
  t.ok(releases.length > 0)
  for (const release of releases) {
    const groups = [...release.matchAll(/^### (.*)$/gm)].map(([, name = '']) => name)
    t.ok(groups.length > 0)
    t.same(
      groups,
      order.filter(name => groups.includes(name)),
      `release ${release.split('\n', 1)[0]}`,
    )
  }
})

t.test('blank lines surround every heading', async t => {
  for (const [index, line] of lines.entries()) {
    if (!line.startsWith('#')) continue
    if (index > 0) t.equal(lines[index - 1], '', `before "${line}"`)
    t.equal(lines[index + 1], '', `after "${line}"`)
  }
})

t.test('no entry occurs twice, and no line is longer than 120 characters', async t => {
  const begins = lines.filter(line => line.startsWith('- '))
  t.ok(begins.length > 0)
  t.same(
    begins.filter((line, index) => begins.indexOf(line) < index),
    [],
  )
  t.same(
    lines.filter(line => line.length > 120),
    [],
  )
})
