/** Bytes that never become a request, on a real connection. */
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import t, { type Test } from 'tap'
import type { ProblemCode } from '../../../src/errors.ts'
import { escapeMalformed } from '../../../src/http/request-target.ts'
import { startApp } from '../../harness/app.ts'
import { type Answer, isProblemOf } from '../../harness/problem.ts'
import { until } from '../../harness/until.ts'

async function listening(t: Test) {
  const { app, log } = await startApp(t)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  return { app, log, port, send: (bytes: string | Buffer) => exchange(port, bytes) }
}

/** Sends bytes and reads until the service closes the connection; fails after 20 s. */
function exchange(port: number, bytes: string | Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`the connection is still open after 20 s: ${Buffer.concat(chunks)}`))
    }, 20_000)
    socket.on('data', chunk => chunks.push(chunk))
    // The service may reset the connection after the response.
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(parse(Buffer.concat(chunks).toString()))
    })
  })
}

function parse(text: string): Answer {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [status = '', ...fields] = head.split('\r\n')
  const headers = Object.fromEntries(
    fields.map(field => [
      field.split(':')[0]?.toLowerCase() ?? '',
      field.slice(field.indexOf(':') + 1).trim(),
    ]),
  )
  return { statusCode: Number(status.split(' ')[1]), headers, body: rest.join('\r\n\r\n') }
}

const POST = 'POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
const BODY = '{"email":"ada@example.org","password":"x"}'

const BAD: [what: string, code: ProblemCode, bytes: string | Buffer][] = [
  ['garbage', 'bad_request', '\x00\x01\x02\x03 garbage\r\n\r\n'],
  ['a TLS hello', 'bad_request', Buffer.from('16030100c8010000c40303', 'hex')],
  ['the preface of HTTP/2', 'bad_request', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['an unknown method', 'bad_request', 'STEAL /login HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['a method in lower case', 'bad_request', 'get / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['no version', 'bad_request', 'GET /login FTP\r\n\r\n'],
  ['a field without a colon', 'bad_request', 'GET / HTTP/1.1\r\nHost: localhost\r\nnonsense\r\n\r\n'],
  ['a space before the colon', 'bad_request', 'GET / HTTP/1.1\r\nHost : localhost\r\n\r\n'],
  ['a NUL in a field', 'bad_request', 'GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n'],
  ['a bare CR in a field', 'bad_request', 'GET / HTTP/1.1\r\nHost: localhost\r\nX: a\rb: c\r\n\r\n'],
  ['two lengths', 'bad_request', `${POST}Content-Length: 42\r\nContent-Length: 43\r\n\r\n${BODY}`],
  ['two equal lengths', 'bad_request', `${POST}Content-Length: 42\r\nContent-Length: 42\r\n\r\n${BODY}`],
  ['a list of lengths', 'bad_request', `${POST}Content-Length: 42, 42\r\n\r\n${BODY}`],
  ['a negative length', 'bad_request', `${POST}Content-Length: -1\r\n\r\n${BODY}`],
  ['a hexadecimal length', 'bad_request', `${POST}Content-Length: 0x2a\r\n\r\n${BODY}`],
  ['a length beyond numbers', 'bad_request', `${POST}Content-Length: ${'9'.repeat(30)}\r\n\r\n${BODY}`],
  [
    'length and chunks',
    'bad_request',
    `${POST}Content-Length: 42\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  [
    'chunks and length',
    'bad_request',
    `${POST}Transfer-Encoding: chunked\r\nContent-Length: 42\r\n\r\n0\r\n\r\n`,
  ],
  ['chunks that are not last', 'bad_request', `${POST}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`],
  ['a chunk of no size', 'bad_request', `${POST}Transfer-Encoding: chunked\r\n\r\nzz\r\n`],
  ['a space in the target', 'bad_request', 'GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  [
    'one giant field',
    'headers_too_large',
    `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(17_000)}\r\n\r\n`,
  ],
  [
    'many fields',
    'headers_too_large',
    `GET / HTTP/1.1\r\nHost: localhost\r\n${'X-Field: abcdefghij\r\n'.repeat(1500)}\r\n`,
  ],
  ['a giant target', 'headers_too_large', `GET /${'a'.repeat(17_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`],
]

t.test('a parser error gets a problem document and closes the connection', async t => {
  const { send, app } = await listening(t)
  for (const [what, code, bytes] of BAD) {
    const answer = await send(bytes)
    isProblemOf(t, answer, code, what)
    t.equal(answer.headers['connection'], 'close', `${what}: closes`)
    t.equal(answer.headers['cache-control'], 'no-store', `${what}: is not kept`)
    t.equal(answer.headers['x-content-type-options'], 'nosniff', what)
    t.equal(Number(answer.headers['content-length']), answer.body.length, `${what}: length`)
  }
  t.equal((await app.inject('/health/live')).statusCode, 200, 'the service still responds')
})

t.test(
  'a request without exactly one Host, or with a repeated field, is refused (RFC 9112, section 3.2)',
  async t => {
    const { send } = await listening(t)
    const length = `Content-Type: application/json\r\nContent-Length: ${BODY.length}\r\nConnection: close\r\n\r\n${BODY}`
    for (const hosts of [
      '',
      'Host: a.example\r\nHost: b.example\r\n',
      'Host: a.example\r\nhost: a.example\r\n',
    ]) {
      isProblemOf(
        t,
        await send(`POST /login HTTP/1.1\r\n${hosts}${length}`),
        'bad_request',
        hosts || 'no Host',
      )
      const get = await send(`GET /health/live HTTP/1.1\r\n${hosts}Connection: close\r\n\r\n`)
      isProblemOf(t, get, 'bad_request', `GET, ${hosts || 'no Host'}`)
    }
    for (const name of ['Authorization', 'Content-Type']) {
      const twice = `Host: a.example\r\n${name}: a\r\n${name.toLowerCase()}: a\r\n`
      const get = await send(`GET /health/live HTTP/1.1\r\n${twice}Connection: close\r\n\r\n`)
      isProblemOf(t, get, 'bad_request', `${name} twice`)
    }
    const old = await send('GET /health/live HTTP/1.0\r\n\r\n')
    t.equal(old.statusCode, 200, 'HTTP/1.0 has no Host')
  },
)

t.test('a path that is not normalised is a 404', async t => {
  const { send } = await listening(t)
  for (const target of ['/./login', '/x/../login', '/%zz', '/docs/../../package.json', '*']) {
    const method = target === '*' ? 'OPTIONS' : 'GET'
    const answer = await send(`${method} ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    isProblemOf(t, answer, 'not_found', target)
  }
})

t.test('a body over the limit is refused before it is read, and a chunked one while it is read', async t => {
  const { send } = await listening(t)
  isProblemOf(t, await send(`${POST}Connection: close\r\nContent-Length: 16385\r\n\r\n`), 'payload_too_large')
  const chunk = `2000\r\n${'x'.repeat(0x2000)}\r\n`
  const chunked = `${POST}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}${chunk}${chunk}`
  isProblemOf(t, await send(chunked), 'payload_too_large', 'in chunks')
})

// test/system/server/slow-clients tests the timeouts in real time.
t.test('headers time out after 5 s and requests after 10 s, checked every second', async t => {
  const { app } = await startApp(t)
  t.match(app.server, {
    headersTimeout: 5000,
    requestTimeout: 10_000,
    keepAliveTimeout: 72_000,
    maxHeaderSize: 16_384,
    connectionsCheckingInterval: 1000,
  })
})

t.test('a client that disconnects within its body does not count as an outage of the database', async t => {
  const { app, log, port } = await listening(t)
  const requested = once(app.server, 'request')
  const socket = connect(port, '127.0.0.1', () => socket.write(`${POST}Content-Length: 42\r\n\r\n{`))
  await requested
  socket.destroy()
  await until('the request is refused', () => log.some(({ reason }) => reason === 'aborted'))
  t.strictSame(
    log.filter(({ level }) => Number(level) >= 40),
    [],
  )
})

t.test('only a malformed path is escaped', async t => {
  for (const url of ['/', '/login', '/login?x=%zz', '/%61', '/a%20b?x#%', '/a#%zz']) {
    t.equal(escapeMalformed({ url }), url, url)
  }
  t.equal(escapeMalformed({ url: '/%zz' }), '/%25zz')
  t.equal(escapeMalformed({ url: '/%c3?a=%20' }), '/%25c3?a=%2520')
  t.equal(escapeMalformed({}), '/')
})
