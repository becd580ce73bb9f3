// Headers of every response and limits of every connection, as a client sees them.
import { once } from 'node:events'
import { METHODS } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { ProblemCode } from '../../src/errors.ts'
import { confirmedAccount, startApp } from '../harness/app.ts'
import { type Answer, isProblemOf } from '../harness/problem.ts'
import { onTheWire, requestText } from '../harness/raw-http.ts'

/** Header fields that belong to one response or its body. */
const OF_THE_ANSWER =
  /^(date|connection|keep-alive|content-(type|length)|x-request-id|accept|accept-encoding|allow|vary|retry-after|www-authenticate|ratelimit-.*|access-control-.*)$/
const CLOSE = ['Connection: close']
const JSON_TYPE = 'Content-Type: application/json'
const NOTHING: Answer = { statusCode: 0, headers: {}, body: '' }

function guards({ headers }: Pick<Answer, 'headers'>): object {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !OF_THE_ANSWER.test(name))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}

async function start(t: Test, env: Record<string, string> = {}) {
  const service = await startApp(t, { env })
  const wire = await onTheWire(service.app)
  const first = async (bytes: string | Buffer) =>
    (await wire.exchange(bytes, { answers: 1 })).answers[0] ?? NOTHING
  return { ...service, ...wire, first }
}

t.test('responses of every status have the security headers, also those of the parser', async t => {
  const { app, first, ...service } = await start(t, { RATE_LIMIT: 'on', CORS_ORIGINS: 'https://app.example' })
  const { email, password } = await confirmedAccount({ app, ...service })
  const post = (path: string, body: string, fields = [JSON_TYPE]) =>
    first(requestText(`POST ${path}`, { fields: [...CLOSE, ...fields], body }))
  const normal = await first(requestText('GET /health/live', { fields: CLOSE }))
  t.match(guards(normal), {
    'strict-transport-security': 'max-age=63072000',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  })
  const credentials = JSON.stringify({ email, password })
  const answers: [status: number, answer: Promise<Answer>][] = [
    [200, post('/login', credentials)],
    [202, post('/password-reset/request', JSON.stringify({ email }))],
    [204, first(requestText('OPTIONS /login', { fields: CLOSE }))],
    [400, post('/login', '{')],
    [400, first('GARBAGE\r\n\r\n')],
    [400, first('CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n')],
    [400, first('GET /health/live HTTP/2.0\r\n\r\n')],
    [401, post('/login', JSON.stringify({ email, password: 'x' }))],
    [404, first(requestText('GET /nowhere', { fields: CLOSE }))],
    [405, first(requestText('GET /login', { fields: CLOSE }))],
    [408, first('GET / HTTP/1.1\r\nX: ')],
    [413, post('/login', 'x'.repeat(20_000))],
    [415, post('/login', 'x', ['Content-Type: text/plain'])],
    [422, post('/register', '{"email":"new@example.org","password":"password"}')],
    [431, first(`GET / HTTP/1.1\r\nX: ${'x'.repeat(17_000)}`)],
  ]
  for (const [status, coming] of answers) {
    const answer = await coming
    t.equal(answer.statusCode, status)
    t.strictSame(guards(answer), guards(normal), `${status}: ${answer.body.slice(0, 60)}`)
    t.match(answer.headers['x-request-id'], /^[\da-f-]{36}$/, `${status}: x-request-id`)
    t.match(answer.headers['date'], /GMT$/, `${status}: date`)
  }
  app.drain()
  const unready = await first(requestText('GET /health/ready'))
  t.equal(unready.statusCode, 503)
  t.strictSame(guards(unready), guards(normal), '503')
  let limited = NOTHING
  for (let i = 0; i < 110 && limited.statusCode !== 429; i++)
    limited = await first(requestText('GET /nowhere'))
  isProblemOf(t, limited, 'rate_limited')
  t.strictSame(guards(limited), guards(normal), '429')
})

t.test('no response allows an origin that is not listed', async t => {
  const { first } = await start(t, { RATE_LIMIT: 'on', CORS_ORIGINS: 'https://app.example' })
  const origins = [
    'null',
    'https://evil.example',
    'https://app.example.evil.example',
    'https://APP.example',
    '*',
  ]
  const lines = ['GET /me', 'POST /login', 'GET /nowhere', 'PUT /login', 'OPTIONS /login', 'OPTIONS *']
  const asked = 'Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-evil'
  const openings = (answer: Answer) =>
    Object.keys(answer.headers).filter(name => /^access-control-allow-(origin|credentials)$/.test(name))
  for (const line of lines) {
    for (const origin of origins) {
      const answer = await first(requestText(line, { fields: [...CLOSE, `Origin: ${origin}`, asked] }))
      t.strictSame(openings(answer), [], `${line} from ${origin}: ${answer.statusCode}`)
      t.notMatch(JSON.stringify(answer.headers), /evil/, 'nothing of it is echoed')
    }
    const twice = await first(
      requestText(line, {
        fields: [...CLOSE, 'Origin: https://app.example', 'Origin: https://evil.example'],
      }),
    )
    t.notMatch(JSON.stringify(twice.headers), /evil/, `${line} from two origins`)
  }
  for (const bytes of [
    'GARBAGE\r\nOrigin: https://app.example\r\n\r\n',
    'GET / HTTP/2.0\r\nOrigin: null\r\n\r\n',
  ]) {
    t.strictSame(openings(await first(bytes)), [], 'bytes that are not a request have no origin')
  }
  const listed = ['Origin: https://app.example']
  let last = NOTHING
  for (let i = 0; i < 110 && last.statusCode !== 429; i++) {
    last = await first(requestText('GET /me', { fields: listed }))
  }
  t.equal(last.statusCode, 429)
  t.equal(last.headers['access-control-allow-origin'], 'https://app.example', 'the front end can read a 429')
  t.match(last.headers['access-control-expose-headers'], /retry-after/)
  const preflight = await first(requestText('OPTIONS /me', { fields: [...listed, asked] }))
  t.notMatch(preflight.headers['access-control-allow-headers'], /evil/)
})

t.test('only HTTP/1.0 and 1.1 are accepted', async t => {
  const { exchange } = await start(t)
  const host = 'Host: localhost\r\nConnection: close\r\n\r\n'
  for (const version of [
    'HTTP/0.9',
    'HTTP/1.2',
    'HTTP/1.11',
    'HTTP/2',
    'HTTP/2.0',
    'HTTP/3.0',
    'http/1.1',
    'HTTP/01.1',
    'HTTP/-1.1',
    'ICE/1.0',
  ]) {
    const { answers, closed } = await exchange(`GET /health/live ${version}\r\n${host}`)
    isProblemOf(t, answers[0] ?? NOTHING, 'bad_request', version)
    t.ok(closed && answers.length === 1, `${version}: the connection ends`)
  }
  for (const simple of ['GET /health/live\r\n\r\n', `GET /health/live\r\n${host}`]) {
    isProblemOf(
      t,
      (await exchange(simple)).answers[0] ?? NOTHING,
      'bad_request',
      'HTTP/0.9, without a version',
    )
  }
  for (const version of ['HTTP/1.0', 'HTTP/1.1']) {
    t.equal((await exchange(`GET /health/live ${version}\r\n${host}`)).answers[0]?.statusCode, 200, version)
  }
})

t.test('every form of request target is routed by its path or refused', async t => {
  const { first } = await start(t)
  const targets: [target: string, outcome: 200 | ProblemCode][] = [
    ['/health/live', 200],
    ['/health/live?x=y', 200],
    ['http://localhost/health/live', 200],
    ['https://evil.example/health/live', 200],
    ['http://evil.example/', 'not_found'],
    ['http://evil.example', 'not_found'],
    ['ftp://localhost/health/live', 'not_found'],
    ['file:///etc/passwd', 'not_found'],
    ['//evil.example/health/live', 'not_found'],
    ['/http://localhost/health/live', 'not_found'],
    ['/health/live/..', 'not_found'],
    ['/nowhere/../health/live', 'not_found'],
    ['/health/./live', 'not_found'],
    ['/health//live', 'not_found'],
    ['/health/live;x=y', 'not_found'],
    ['/health%2flive', 'not_found'],
    ['/health/live%00', 'not_found'],
    ['/health/live%0d%0aX:y', 'not_found'],
    ['/%ff', 'not_found'],
    [`/sessions/${'%zz'.repeat(5000)}`, 'unauthenticated'],
    ['*', 'not_found'],
    ['health/live', 'bad_request'],
    ['localhost:443', 'bad_request'],
    ['/health/live\0', 'bad_request'],
    ['/health/caf\u00e9', 'bad_request'],
    ['/health live', 'bad_request'],
    ['', 'bad_request'],
  ]
  for (const [target, outcome] of targets) {
    const answer = await first(
      Buffer.from(
        `${target.startsWith('/sessions') ? 'DELETE' : 'GET'} ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
        'latin1',
      ),
    )
    if (outcome === 200) t.equal(answer.statusCode, 200, target)
    else isProblemOf(t, answer, outcome, JSON.stringify(target.slice(0, 40)))
  }
})

t.test('an unsupported method gets a problem document', async t => {
  const { first } = await start(t)
  for (const method of METHODS) {
    if (['GET', 'POST', 'HEAD', 'CONNECT'].includes(method)) continue
    for (const path of ['/login', '/nowhere']) {
      const answer = await first(requestText(`${method} ${path}`, { fields: CLOSE }))
      const code = path === '/login' ? 'method_not_allowed' : 'not_found'
      isProblemOf(t, answer, code, `${method} ${path}`)
      if (path === '/login') t.equal(answer.headers['allow'], 'POST', `${method}: Allow`)
    }
  }
})

t.test('up to 200 header fields and 16 KiB are read, and more are refused', async t => {
  const { first, app, ...service } = await start(t)
  const { accessToken } = await confirmedAccount({ app, ...service })
  const bearer = `Authorization: Bearer ${accessToken}`
  const get = (count: number, ...fields: string[]) =>
    first(requestText('GET /me', { fields: [...Array(count - fields.length - 1).fill('a:'), ...fields] }))
  t.equal((await get(200, bearer)).statusCode, 200, 'the last of 200 is read')
  for (const count of [201, 1999, 2001, 5000]) {
    isProblemOf(t, await get(count, bearer), 'headers_too_large', `${count} fields`)
  }
  isProblemOf(
    t,
    await get(100, 'Host: a', 'Host: b', bearer),
    'bad_request',
    'a second Host behind them is seen',
  )
  const just = requestText('GET /health/live', { fields: [`X: ${'x'.repeat(15 * 1024)}`] })
  t.equal((await first(just)).statusCode, 200)
  isProblemOf(
    t,
    await first(requestText('GET /', { fields: [`X: ${'x'.repeat(16 * 1024)}`] })),
    'headers_too_large',
  )
  const trailer = `5\r\nhello\r\n0\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`
  const late = requestText('POST /login', {
    fields: [JSON_TYPE, 'Transfer-Encoding: chunked'],
    body: trailer,
  })
  isProblemOf(t, await first(late), 'headers_too_large', 'in trailers too')
  const extension = `5;${'x'.repeat(17_000)}\r\nhello\r\n0\r\n\r\n`
  const long = requestText('POST /login', {
    fields: [JSON_TYPE, 'Transfer-Encoding: chunked'],
    body: extension,
  })
  isProblemOf(t, await first(long), 'bad_request', 'and chunk extensions are limited')
})

t.test('a disconnect at any byte logs no error', async t => {
  const { open, log, app, first } = await start(t, { RATE_LIMIT: 'on', TRUST_PROXY: '127.0.0.1' })
  const body = '{"email":"ada@example.org","password":"x"}'
  const whole = requestText('POST /login', { fields: [JSON_TYPE, 'X-Forwarded-For: 192.0.2.7'], body })
  for (let end = 1; end <= whole.length; end += 3) {
    const socket = await open()
    socket.on('error', () => {})
    socket.write(whole.slice(0, end))
    if (end % 2 === 0) await delay(1)
    socket.resetAndDestroy()
  }
  const half = await open()
  half.end(whole.slice(0, -5))
  half.resume()
  await once(half, 'close')
  t.equal((await first(requestText('GET /health/live', { fields: CLOSE }))).statusCode, 200)
  await app.close()
  t.strictSame(
    log.filter(line => Number(line['level']) >= 50),
    [],
  )
})
