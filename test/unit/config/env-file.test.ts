import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { loadEnvFile, readText } from '../../../src/config/env-file.ts'

const TEXT =
  'LATCHKEY_TEST_FIRST=production\nLATCHKEY_TEST_NAME="Zürich"\n# a comment\nLATCHKEY_TEST_LAST=x\n'
const windows = TEXT.replaceAll('\n', '\r\n')
const utf16be = (text: string) => Buffer.from(text, 'utf16le').swap16()

/** Loads a file and removes its variables from the environment again. */
function loaded(t: Test, content: string | Buffer): (string | undefined)[] {
  const path = join(t.testdir(), '.env')
  writeFileSync(path, content)
  const names = ['LATCHKEY_TEST_FIRST', 'LATCHKEY_TEST_NAME', 'LATCHKEY_TEST_LAST']
  try {
    loadEnvFile(path)
    return names.map(name => process.env[name])
  } finally {
    for (const name of names) delete process.env[name]
  }
}

t.test('reads a .env file from any editor', async t => {
  const cases: Record<string, string | Buffer> = {
    'UTF-8': TEXT,
    'UTF-8 with CRLF': windows,
    'UTF-8 with CR': TEXT.replaceAll('\n', '\r'),
    'UTF-8 with a byte order mark': `\ufeff${TEXT}`,
    'UTF-8 with a byte order mark and CRLF': `\ufeff${windows}`,
    'several files with a byte order mark each': `\ufeff\ufeff${TEXT.replaceAll('\n', '\n\ufeff')}`,
    'a line of blanks before each variable': `  \n${TEXT.replaceAll('\n', '\n \t\n')}`,
    'an indented comment before each variable': `  # a\n${TEXT.replaceAll('\n', '\n\t# a\n')}`,
    'UTF-16LE with a byte order mark': Buffer.from(`\ufeff${windows}`, 'utf16le'),
    'UTF-16BE with a byte order mark': utf16be(`\ufeff${TEXT}`),
  }
  for (const [name, content] of Object.entries(cases)) {
    t.strictSame(loaded(t, content), ['production', 'Zürich', 'x'], name)
  }
  t.strictSame(loaded(t, ''), [undefined, undefined, undefined], 'an empty file')
})

t.test('a .env file in another encoding is refused, and none of it is used', async t => {
  const cases: Record<string, Buffer> = {
    'UTF-16LE without a byte order mark': Buffer.from(TEXT, 'utf16le'),
    'UTF-16BE without a byte order mark': utf16be(TEXT),
    'Latin-1': Buffer.from(TEXT, 'latin1'),
    'half a UTF-16 unit': Buffer.concat([Buffer.from('\ufeffA=b', 'utf16le'), Buffer.from([0x41])]),
  }
  for (const [name, content] of Object.entries(cases)) {
    t.throws(() => loaded(t, content), /UTF-8/, name)
    t.equal(process.env['LATCHKEY_TEST_FIRST'], undefined)
  }
})

t.test('ignores a missing .env and reports one that cannot be read', async t => {
  const folder = t.testdir({ '.env': {} })
  t.doesNotThrow(() => loadEnvFile(join(folder, 'nowhere')))
  t.throws(() => loadEnvFile(join(folder, '.env')), { code: 'EISDIR' })
})

t.test('the environment takes precedence over the file', async t => {
  process.env['LATCHKEY_TEST_LAST'] = 'from outside'
  t.strictSame(loaded(t, TEXT), ['production', 'Zürich', 'from outside'])
})

t.test('line endings of a secret file are normalised', async t => {
  const folder = t.testdir({ secret: 'one\r\ntwo' })
  t.equal(readText(join(folder, 'secret')), 'one\ntwo')
})
