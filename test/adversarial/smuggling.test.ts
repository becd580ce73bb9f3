// Requests that two parsers could frame differently. Each contains another request, which must never be executed.
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { startApp } from '../harness/app.ts'
import { isProblemOf } from '../harness/problem.ts'
import { answersIn, type Exchange, onTheWire, requestText } from '../harness/raw-http.ts'
import { openRows } from '../harness/rows.ts'

/** A request whose path would appear in the log if it were executed. */
const INNER = 'GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n'
const BODY = '{"email":"ada@example.org","password":"x"}'
const HEX = BODY.length.toString(16)
const CHUNKS = `${HEX}\r\n${BODY}\r\n0\r\n\r\n`
const JSON_TYPE = 'Content-Type: application/json'

async function service(t: Test) {
  const { app, log } = await startApp(t)
  const wire = await onTheWire(app)
  return {
    ...wire,
    app,
    /** Accepted requests that should have been refused. */
    served: () =>
      log.filter(line => line['msg'] === 'answered' && line['status'] !== 400).map(line => line['path']),
  }
}

const logIn = (framing: string[], body: string) =>
  requestText('POST /login', { fields: [JSON_TYPE, ...framing], body })

/** The last header field is kept byte for byte, because some parsers drop the space, the fold or the byte. */
const FRAMINGS: [what: string, framing: string[], body: string][] = [
  ['a length and chunks', ['Content-Length: 4', 'Transfer-Encoding: chunked'], CHUNKS],
  ['chunks and a length', ['Transfer-Encoding: chunked', 'Content-Length: 4'], CHUNKS],
  ['a length and chunks in odd case', ['Content-Length: 4', 'tRANSFER-eNCODING: cHUNKED'], CHUNKS],
  ['two lengths', ['Content-Length: 42', 'Content-Length: 0'], BODY],
  ['two lengths, the first one 0', ['Content-Length: 0', 'Content-Length: 42'], BODY],
  ['two equal lengths', ['Content-Length: 42', 'Content-Length: 42'], BODY],
  ['a list of lengths', ['Content-Length: 42, 42'], BODY],
  ['a length with a plus', ['Content-Length: +42'], BODY],
  ['a length with a minus', ['Content-Length: -42'], BODY],
  ['a hexadecimal length', ['Content-Length: 0x2a'], BODY],
  ['a length with an exponent', ['Content-Length: 42e0'], BODY],
  ['a length with a fraction', ['Content-Length: 42.0'], BODY],
  ['a length with an underscore', ['Content-Length: 4_2'], BODY],
  ['a length with a space in it', ['Content-Length: 4 2'], BODY],
  ['a length in Arabic digits', ['Content-Length: \u0664\u0662'], BODY],
  ['no length after the colon', ['Content-Length: '], BODY],
  ['a length beyond 64 bits', ['Content-Length: 18446744073709551658'], BODY],
  ['a space before the colon of the length', ['Content-Length : 42'], BODY],
  ['a space before the colon of the coding', ['Transfer-Encoding : chunked'], CHUNKS],
  ['a tab before the colon of the coding', ['Transfer-Encoding\t: chunked'], CHUNKS],
  ['a space before the name', ['X: y', ' Transfer-Encoding: chunked'], CHUNKS],
  ['a folded length', ['Content-Length:\r\n 42'], BODY],
  ['a folded coding', ['Transfer-Encoding:\r\n chunked'], CHUNKS],
  ['a folded field', ['X: y\r\n z', 'Content-Length: 42'], BODY],
  ['a coding nobody knows', ['Transfer-Encoding: xchunked'], CHUNKS],
  ['a coding with something behind it', ['Transfer-Encoding: chunkedx'], CHUNKS],
  ['a coding in quotes', ['Transfer-Encoding: "chunked"'], CHUNKS],
  ['a coding with a parameter', ['Transfer-Encoding: chunked;x=y'], CHUNKS],
  ['a vertical tab before the coding', ['Transfer-Encoding: \x0bchunked'], CHUNKS],
  ['a NUL behind the coding', ['Transfer-Encoding: chunked\0'], CHUNKS],
  ['identity', ['Transfer-Encoding: identity'], BODY],
  ['identity and a length', ['Transfer-Encoding: identity', 'Content-Length: 42'], BODY],
  ['an empty coding and a length', ['Transfer-Encoding: ', 'Content-Length: 42'], BODY],
  ['gzip, then chunked', ['Transfer-Encoding: gzip, chunked'], CHUNKS],
  ['identity, then chunked', ['Transfer-Encoding: identity', 'Transfer-Encoding: chunked'], CHUNKS],
  ['chunked, then identity', ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], CHUNKS],
  ['chunked twice', ['Transfer-Encoding: chunked, chunked'], CHUNKS],
  ['chunked in two fields', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], CHUNKS],
  ['a list with an empty member', ['Transfer-Encoding: , chunked'], CHUNKS],
  ['a chunk with 0x', ['Transfer-Encoding: chunked'], `0x${CHUNKS}`],
  ['a chunk with a minus', ['Transfer-Encoding: chunked'], `-${CHUNKS}`],
  ['a chunk with a space', ['Transfer-Encoding: chunked'], CHUNKS.replace(HEX, `${HEX} `)],
  ['a chunk beyond 64 bits', ['Transfer-Encoding: chunked'], `1${'0'.repeat(16)}${CHUNKS}`],
  ['a chunk that ends too late', ['Transfer-Encoding: chunked'], CHUNKS.replace('\r\n0', 'XX\r\n0')],
  ['a chunk that ends in LF', ['Transfer-Encoding: chunked'], CHUNKS.replaceAll('\r\n', '\n')],
  ['an extension with LF in it', ['Transfer-Encoding: chunked'], CHUNKS.replace('\r\n', ';a\nb\r\n')],
  [
    'a length among the trailers',
    ['Transfer-Encoding: chunked'],
    CHUNKS.replace(/\r\n$/, 'Content-Length: 4\r\n\r\n'),
  ],
  ['fields that end in LF', ['X: y\nTransfer-Encoding: chunked'], CHUNKS],
  ['fields that end in CR', ['X: y\rTransfer-Encoding: chunked'], CHUNKS],
  ['two Host fields', ['Host: localhost', 'Host: evil.example', 'Content-Length: 42'], BODY],
  ['two equal Host fields', ['Host: localhost', 'HOST: localhost', 'Content-Length: 42'], BODY],
  ['a Host with a path', ['Host: localhost/smuggled', 'Content-Length: 42'], BODY],
  ['a Host with a user', ['Host: localhost@evil.example', 'Content-Length: 42'], BODY],
  ['a Host with a space', ['Host: localhost evil.example', 'Content-Length: 42'], BODY],
  ['a list of Hosts', ['Host: "localhost"', 'Content-Length: 42'], BODY],
]

t.test('ambiguous framing is refused, with everything that follows', async t => {
  const { exchange, served, app } = await service(t)
  for (const [what, framing, body] of FRAMINGS) {
    const whole = logIn(framing, body) + INNER
    // In one packet, and in two that are split before the body.
    const middle = whole.indexOf('\r\n\r\n') + 4
    for (const pieces of [[whole], [whole.slice(0, middle), whole.slice(middle)]]) {
      const name = `${what}, in ${pieces.length}`
      const { answers, closed } = await exchange(pieces)
      isProblemOf(t, answers[0] ?? NOTHING, 'bad_request', name)
      t.equal(answers.length, 1, `${name}: nothing else is answered`)
      t.ok(closed, `${name}: the connection ends`)
      t.equal(answers[0]?.headers['connection'], 'close', `${name}: and says so`)
    }
  }
  t.equal((await app.inject('/health/live')).statusCode, 200)
  t.strictSame(served(), ['/health/live'], 'no login was attempted, and no inner request was executed')
})

const NOTHING = { statusCode: 0, headers: {}, body: '' }

t.test('a request behind ambiguous framing has no effect', async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  const { exchange } = await onTheWire(service.app)
  const inner = requestText('POST /password-reset/request', {
    fields: [JSON_TYPE],
    body: '{"email":"smuggled@example.org"}',
  })
  for (const [framing, body] of [
    [['Transfer-Encoding: ', 'Content-Length: 42'], BODY],
    [['Transfer-Encoding: gzip, chunked'], CHUNKS],
    [['Host: a', 'Host: b', 'Content-Length: 42'], BODY],
  ] as const) {
    const { answers } = await exchange(logIn([...framing], body) + inner)
    t.strictSame(statuses(answers), [400], framing.join(', '))
  }
  const alone = requestText('POST /password-reset/request', {
    fields: [JSON_TYPE],
    body: '{"email":"asked@example.org"}',
  })
  await exchange(alone, { answers: 1 })
  const recipients = (await rows.client.outbox.findMany()).map(({ recipient }) => recipient)
  t.strictSame(recipients, ['asked@example.org'], 'the same request alone queues its email')
})

t.test('a request inside a refused body is not executed', async t => {
  const { exchange, served } = await service(t)
  const last = requestText('GET /last', { fields: ['Connection: close'] })
  const outer: [expected: number, head: string][] = [
    [404, requestText('POST /nowhere', { fields: [JSON_TYPE], body: INNER })],
    [405, requestText('PUT /login', { fields: [JSON_TYPE], body: INNER })],
    [401, requestText('POST /logout', { fields: [JSON_TYPE], body: INNER })],
    [200, requestText('GET /health/live', { body: INNER })],
    [404, requestText('POST /nowhere', { fields: ['Expect: 100-continue'], body: INNER })],
    [
      404,
      requestText('POST /nowhere', {
        fields: ['Content-Length: 000042'],
        body: INNER.slice(0, 42).padEnd(42),
      }),
    ],
  ]
  for (const [expected, head] of outer) {
    const { answers } = await exchange(head + last)
    t.strictSame(statuses(answers), [expected, 404], head.slice(0, 60))
  }
  const upgrade = ['Upgrade: websocket', 'Connection: Upgrade']
  const ends: [expected: number, head: string][] = [
    [400, requestText('POST /login', { fields: [JSON_TYPE], body: INNER })],
    [415, requestText('POST /login', { fields: ['Content-Type: text/plain'], body: INNER })],
    [200, requestText('GET /health/live', { fields: upgrade })],
    [200, requestText('GET /health/live', { fields: upgrade, body: INNER })],
    [404, requestText('POST /nowhere', { fields: ['Upgrade: h2c', 'Connection: Upgrade'], body: INNER })],
  ]
  for (const [expected, head] of ends) {
    const { answers, closed } = await exchange(head + last)
    t.strictSame(statuses(answers), [expected], `ends the connection: ${head.slice(0, 90)}`)
    t.ok(closed)
  }
  const huge = requestText('POST /login', { fields: [JSON_TYPE], body: INNER.repeat(600) })
  t.strictSame(
    statuses((await exchange(huge + last)).answers),
    [413],
    'a chunk that is too large closes the connection',
  )
  t.notOk(served().includes('/smuggled'))
})

const statuses = (answers: Exchange['answers']) => answers.map(({ statusCode }) => statusCode)

t.test('chunked bodies with extensions and trailers are read as one body', async t => {
  const { exchange } = await service(t)
  const chunked = [JSON_TYPE, 'Transfer-Encoding: ChUnKeD', 'Connection: close']
  const bodies = {
    plain: CHUNKS,
    'in many chunks': `${[...BODY].map(char => `1\r\n${char}\r\n`).join('')}0\r\n\r\n`,
    'with extensions': CHUNKS.replace('\r\n', ';a=b;c="d"\r\n'),
    'with leading zeros': `000${CHUNKS}`,
    'with trailers': CHUNKS.replace(/\r\n$/, 'X-Trailer: y\r\nAuthorization: Bearer x\r\n\r\n'),
  }
  for (const [what, body] of Object.entries(bodies)) {
    const { answers } = await exchange(requestText('POST /login', { fields: chunked, body }))
    t.equal(answers.length, 1, what)
    isProblemOf(t, answers[0] ?? NOTHING, 'invalid_credentials', what)
  }
  const old = `POST /login HTTP/1.0\r\n${JSON_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKS}`
  isProblemOf(t, (await exchange(old)).answers[0] ?? NOTHING, 'bad_request', 'HTTP/1.0 has no chunks')
})

t.test('pipelined requests are answered in order, refusals included', async t => {
  const { exchange } = await service(t)
  const slow = logIn([], BODY)
  const quick = requestText('GET /health/live')
  const broken = `${logIn(['Transfer-Encoding: chunked'], '')}5\r\nhelloZZ\r\n`
  const cases: [what: string, bytes: string, expected: number[]][] = [
    ['garbage behind a login', `${slow}GARBAGE\r\n\r\n`, [401, 400]],
    ['garbage behind two', `${slow}${quick}GARBAGE\r\n\r\n${quick}`, [401, 200, 400]],
    ['a broken body behind a login', `${slow}${broken}${quick}`, [401, 400]],
    ['a broken body alone', `${broken}${quick}`, [400]],
    ['a field that is too long', `${slow}GET / HTTP/1.1\r\nX: ${'x'.repeat(17_000)}`, [401, 431]],
    ['CONNECT behind a login', `${slow}CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n`, [401, 400]],
    ['ten and garbage', `${quick.repeat(10)}\0\0\0\0`, [...Array(10).fill(200), 400]],
  ]
  for (const [what, bytes, expected] of cases) {
    const { answers, closed } = await exchange(bytes)
    t.strictSame(statuses(answers), expected, what)
    t.ok(closed, `${what}: the connection ends`)
  }
})

t.test('continuous garbage is refused once', async t => {
  const { exchange } = await service(t)
  const { answers } = await exchange([logIn([], BODY), ...Array(20).fill('GARBAGE\r\n\r\n')])
  t.strictSame(statuses(answers), [401, 400])
})

t.test('a body that breaks after its refusal gets no second response', async t => {
  const { open } = await service(t)
  const head = requestText('POST /nowhere', { fields: ['Transfer-Encoding: chunked'] })
  const socket = await open()
  const received: Buffer[] = []
  socket.on('data', chunk => received.push(chunk)).on('error', () => {})
  socket.write(`${head}5\r\nhello\r\n`)
  await once(socket, 'data')
  socket.write('ZZ\r\n')
  await once(socket, 'close')
  t.strictSame(statuses(answersIn(Buffer.concat(received))), [404])
})
