/** Names of devices: recognisable, and without text that an attacker chose. */
import { type AddressInfo, connect } from 'node:net'
import t from 'tap'
import { deviceName } from '../../../src/http/origin.ts'
import { startApp } from '../../harness/app.ts'

const WEBKIT = 'AppleWebKit/537.36 (KHTML, like Gecko)'
const NAMES: [userAgent: string, name: string | null][] = [
  ['Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0', 'Firefox on Linux'],
  [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/126.0.0.0 Safari/537.36`, 'Chrome on Windows'],
  [
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/126.0.0.0 Safari/537.36 Edg/126.0`,
    'Microsoft Edge on Windows',
  ],
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15',
    'Safari on macOS',
  ],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
    'Safari on iOS',
  ],
  [
    `Mozilla/5.0 (Linux; Android 14; Pixel 8) ${WEBKIT} Chrome/126.0.0.0 Mobile Safari/537.36`,
    'Chrome on Android',
  ],
  ['curl/8.5.0', 'curl'],
  ['Wget/1.21.4', 'Wget'],
  ['HTTPie/3.2.2', 'HTTPie'],
  ['python-requests/2.31.0', 'Python'],
  ['okhttp/4.12.0', 'Java'],
  ['node', 'Node.js'],
  ['PostmanRuntime/7.39.0', 'Postman'],
  ['MyApp/1.0 (iPhone; iOS 17)', 'Other client on iOS'],
  ['MyApp/1.0', 'Other client'],
  ['toString', 'Other client'],
  ['Mozilla/5.0', 'Other client'],
  ['42', 'Other client'],
  ['__proto__', 'Other client'],
  ['', null],
]

/** User agents with text for the owner of an account, and their names. */
const HOSTILE: [userAgent: string, name: string | null][] = [
  ['Call-0800-123-456/1.0', 'Other client'],
  ['Call-0800-123-456 (Windows NT 10.0)', 'Other client on Windows'],
  ['curl-0800-123-456/1.0', 'Other client'],
  ['curl.evil.example/1.0', 'Other client'],
  ['https://evil.example/log-in-here/1 (x', 'Other client'],
  ['evil.example/1 (Windows NT 10.0)', 'Other client on Windows'],
  ['Call +1 555 0100 now/1 (Windows NT 10.0)', 'Other client on Windows'],
  ['<b>bold</b>/1.0 (Linux)', 'Other client on Linux'],
  ['<script>alert(1)</script>', 'Other client'],
  ['{{service}}/1 x', 'Other client'],
  ["'; DROP TABLE users;--/1 (Linux)", 'Other client on Linux'],
  ['curl\r\nSubject: You won', 'curl'],
  ['curl\0', 'curl'],
  ['curl\u202elruc', 'curl'],
]

t.test('recognises browsers and systems', t => {
  for (const [userAgent, name] of NAMES) t.equal(deviceName(userAgent), name, userAgent)
  t.equal(deviceName(undefined), null)
  t.end()
})

t.test('a user agent cannot put text into emails or the history', t => {
  for (const [userAgent, name] of HOSTILE) t.equal(deviceName(userAgent), name, userAgent)
  t.end()
})

t.test('every user agent results in a short, single-line name quickly', t => {
  const bits = [
    '/',
    'a/',
    ' ',
    '(',
    '; ',
    'Android ',
    'Version/',
    'opera ',
    '\t/ ',
    'a',
    'Mozilla/5.0 (',
    '1.',
  ]
  for (const bit of bits) {
    for (const length of [512, 513, 16_000, 1_000_000]) {
      const userAgent = bit.repeat(Math.ceil(length / bit.length)).slice(0, length)
      const begin = performance.now()
      const name = deviceName(userAgent)
      t.ok(performance.now() - begin < 2000, `${JSON.stringify(bit)} of ${length}: in time`)
      if (length > 512) t.equal(name, null, `${JSON.stringify(bit)} of ${length}: no browser's`)
      else if (name !== null) t.match(name, /^[A-Za-z][\w .-]{0,63}$/, `${JSON.stringify(bit)} of ${length}`)
    }
  }
  t.end()
})

t.test('a user agent of 1 MB is refused before it is parsed', async t => {
  const { app } = await startApp(t)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.on('data', chunk => {
    answer += chunk
  })
  // The server closes the connection while the client is still sending.
  socket.on('error', () => {})
  socket.write(`GET /me HTTP/1.1\r\nHost: x\r\nUser-Agent: ${'a'.repeat(1_000_000)}\r\n\r\n`)
  await new Promise(resolve => socket.once('close', resolve))
  t.match(answer, /^HTTP\/1\.1 431 /)
})
