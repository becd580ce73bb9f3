import t from 'tap'
import { withoutAddresses, withoutSecrets } from '../../../src/shared/log-scrub.ts'

t.test('removes addresses anywhere in a text, and nothing else', async t => {
  const cases: [text: string, expected: string][] = [
    ['550 <ada@example.org>: unknown', '550 <[address]>: unknown'],
    ['ada.b+c=d@mail.example.co.uk, eve@xn--bcher-kva.example', '[address], [address]'],
    ['Key (email)=(ada@example.org) already exists', 'Key (email)=([address]) already exists'],
    ['mailto:ada@example.org', 'mailto:[address]'],
    ['ada@bücher.example', '[address]'],
    ['ada@उदाहरण.भारत', '[address]'],
    ['/app/ada%40example.org', '/app/[address]'],
    [
      'https://spf.example/why?s=rcpt&id=ada%40example.org;ip=192.0.2.1',
      'https://spf.example/[address];ip=192.0.2.1',
    ],
    ['/ada%2540example.org', '/[address]'],
    ['/ada%40b%C3%BCcher.example/x', '/[address]/x'],
    ['/node_modules/%40prisma/client.js', '/node_modules/%40prisma/client.js'],
    ['100%4000.5 of it', '100%4000.5 of it'],
    [
      'at file:///app/node_modules/@prisma/client/index.js:1:2',
      'at file:///app/node_modules/@prisma/client/index.js:1:2',
    ],
    ['.pnpm/pino@10.4.0/node_modules', '.pnpm/pino@10.4.0/node_modules'],
    ['nobody@localhost', 'nobody@localhost'],
    ['no at sign', 'no at sign'],
  ]
  const faults = cases.filter(([text, expected]) => withoutAddresses(text) !== expected)
  t.strictSame(faults, [])
})

t.test('a line of JSON stays valid', async t => {
  for (const before of ['\n', '\t', '"', '\\', '\u0001', '\u2028', '/']) {
    const line = JSON.stringify({ msg: `x${before}ada@example.org${before}y` })
    t.equal(
      JSON.parse(withoutAddresses(line)).msg,
      `x${before}[address]${before}y`,
      `U+${before.codePointAt(0)?.toString(16)}`,
    )
  }
})

t.test('a long line takes linear time', async t => {
  const time = (length: number) => {
    const text = `${'a'.repeat(length)} @ ${'b.'.repeat(length / 2)} ${'%40'.repeat(length)}`
    const begun = process.cpuUsage().user
    withoutAddresses(text)
    return process.cpuUsage().user - begun
  }
  time(10_000)
  t.ok(time(100_000) < 2_000_000, 'microseconds')
})

t.test('removes secrets at any depth and of any type, and nothing else', async t => {
  const hidden = '[redacted]'
  const cases: [line: object, expected: object][] = [
    [
      { password: 'x', msg: 'a' },
      { password: hidden, msg: 'a' },
    ],
    [{ a: { b: [{ token: { c: 1 } }] } }, { a: { b: [{ token: hidden }] } }],
    [{ headers: { 'set-cookie': ['a', 'b'], host: 'c' } }, { headers: { 'set-cookie': hidden, host: 'c' } }],
    [
      { body: { code: '123456', mode: 'x' }, code: 'kept' },
      { body: { code: hidden, mode: 'x' }, code: 'kept' },
    ],
    [
      { body: 'text', cookie: null },
      { body: 'text', cookie: hidden },
    ],
  ]
  for (const [line, expected] of cases) {
    t.strictSame(JSON.parse(withoutSecrets(`${JSON.stringify(line)}\n`)), expected)
  }
  for (const kept of [{ msg: '"password":"x"' }, { tokens: 1, msg: 'token: none' }]) {
    const line = `${JSON.stringify(kept)}\n`
    t.equal(withoutSecrets(line), line)
  }
  t.match(withoutSecrets('{"password":1}\n'), /^[^\n]*\n$/, 'one line')
})
