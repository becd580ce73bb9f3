import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { availableParallelism } from 'node:os'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { confirmedAccount, post, startApp } from '../../harness/app.ts'
import { clientAt } from '../../harness/client.ts'
import { countHashes } from '../../harness/hash-count.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { recordQueries } from '../../harness/queries.ts'
import { until } from '../../harness/until.ts'
import { fillQueue, SLOW_HASHES } from './full-queue.ts'

const password = 'correct horse battery staple'

/** Streamed from its file. */
const LARGE = '/docs/static/swagger-ui-bundle.js'

/** Every operation, and whether its body has a password, according to the OpenAPI document. */
async function operations(app: FastifyInstance) {
  const { paths } = (await app.inject('/openapi.json')).json<{ paths: Record<string, object> }>()
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase() as 'POST',
      url: path.replace('{id}', randomUUID()),
      // With confirmation, /register only checks its password against the policy.
      hashes:
        !(path === '/register' && app.config.EMAIL_CONFIRMATION === 'required') &&
        JSON.stringify((operation as { requestBody?: object }).requestBody ?? {}).includes(
          '"format":"password"',
        ),
    })),
  )
}

/** The bytes of a POST. */
function wire(url: string, payload: string, headers: Record<string, string> = {}) {
  const lines = { host: 'latchkey.test', 'content-type': 'application/json', ...headers }
  const fields = Object.entries({ 'content-length': String(payload.length), ...lines })
  return `POST ${url} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${payload}`
}

/** The next response on a socket. */
async function answerOn(socket: Socket) {
  let text = ''
  for (;;) {
    const [chunk] = await once(socket, 'data')
    text += chunk
    const [head = '', body] = text.split('\r\n\r\n')
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
    if (body === undefined || Buffer.byteLength(body) < length) continue
    const [status = '', ...fields] = head.split('\r\n')
    const headers = Object.fromEntries(
      fields.map(field => {
        const [name = '', value] = field.split(': ', 2)
        return [name.toLowerCase(), value]
      }),
    )
    return { statusCode: Number(status.split(' ')[1]), headers, body }
  }
}

t.test(
  'a full queue sheds every request that needs a hash before any other work, and no other request',
  async t => {
    // No queued hash ends while hashes are counted, so none takes its place.
    const endless = { ARGON2_MEMORY_KIB: '262144', ARGON2_TIME_COST: '12' }
    const world = await startApp(t, { env: { ...SLOW_HASHES, ...endless, RATE_LIMIT: 'on' } })
    const { app, log } = world
    await fillQueue(t, app, '10.0.0.1')
    const recorded = recordQueries(app)
    const hashes = countHashes(t)
    const hashing = (await operations(app)).filter(({ hashes }) => hashes)
    t.same(
      hashing.map(({ method, url }) => `${method} ${url}`).sort(),
      [
        'DELETE /me',
        'POST /confirm-email',
        'POST /email-change/confirm',
        'POST /email-change/request',
        'POST /invitation/accept',
        'POST /login',
        'POST /password-change/confirm',
        'POST /password-change/request',
        'POST /password-reset/confirm',
      ],
      'these hash',
    )
    for (const { method, url, hashes } of await operations(app)) {
      const name = `${method} ${url}`
      // Without authentication and with an invalid body: shed before either is checked.
      const { answer, queries } = await recorded(() =>
        app.inject({
          method,
          url,
          remoteAddress: '10.0.0.1',
          headers: { 'content-type': 'application/json', authorization: 'Bearer of.no.session' },
          ...(hashes && { payload: '{"password": ' }),
        }),
      )
      if (!hashes) {
        t.not(answer.statusCode, 503, name)
        continue
      }
      isProblemOf(t, answer, 'overloaded', name)
      t.match(answer.headers['retry-after'], /^([1-9]|[1-5]\d|60)$/, name)
      t.equal(answer.headers['ratelimit-limit'], '100', `${name}: counted with everything, and not as a try`)
      t.strictSame(queries, [], `${name}: no query`)
    }
    t.equal(hashes(), 0)
    t.notOk(
      log.some(({ level }) => Number(level) >= 50),
      'load shedding is not logged as an error',
    )
  },
)

t.test('without confirmation of addresses, a full queue sheds registrations too', async t => {
  const { app } = await startApp(t, { env: { ...SLOW_HASHES, EMAIL_CONFIRMATION: 'off' } })
  await fillQueue(t, app, '10.0.0.1')
  const hashing = (await operations(app)).filter(({ hashes }) => hashes)
  t.ok(hashing.some(({ url }) => url === '/register'))
  for (const { method, url } of hashing) {
    const answer = await app.inject({ method, url, remoteAddress: '10.0.0.1', payload: {} })
    isProblemOf(t, answer, 'overloaded', `${method} ${url}`)
  }
})

t.test('a shed request gets its response before its body, and keeps its connection', async t => {
  const { app } = await startApp(t, { env: SLOW_HASHES })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const empty = await fillQueue(t, app, '127.0.0.1')
  const socket = connect((app.server.address() as { port: number }).port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  const body = JSON.stringify({ email: 'nobody@example.org', password })
  const request = wire('/login', body)
  socket.write(request.slice(0, -body.length))
  isProblemOf(t, await answerOn(socket), 'overloaded', 'without its body')
  socket.write(body)
  socket.write(request)
  isProblemOf(t, await answerOn(socket), 'overloaded', 'the next on the connection')
  await empty()
  socket.write(request)
  isProblemOf(t, await answerOn(socket), 'invalid_credentials', 'and once a slot is free')
})

// Regression: queued requests count as disconnected once their bodies have ended, as Fastify's request.signal does.
t.test('a client that has filled the queue delays only itself', async t => {
  const env = { ARGON2_MEMORY_KIB: '16384', ARGON2_TIME_COST: '4', TRUST_PROXY: '127.0.0.1' }
  const world = await startApp(t, { env })
  const { app } = world
  const { email } = await confirmedAccount(world)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const logIn = (from: string, as: string, word = password) =>
    fetch(`${app.listeningOrigin}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': from },
      body: JSON.stringify({ email: as, password: word }),
    })
  const statuses: number[] = []
  const flood = (from: string, count: number) =>
    Array.from({ length: count }, () =>
      logIn(from, 'nobody@example.org').then(({ status }) => statuses.push(status)),
    )
  const most = 4 * availableParallelism() * Number(app.config.HASH_QUEUE_TIMEOUT)
  // One /64 is one client.
  const flooding = [...flood('2001:db8::1', most), ...flood('2001:db8::2', most)]
  const isFull = () => app.passwords.queue.load().waiting > 0 && statuses.includes(503)
  await until('the queue is full', isFull)

  const one = await logIn('2001:db8:0:1::1', email)
  const { waiting } = app.passwords.queue.load()
  t.equal(one.status, 200, 'another client is served')
  t.ok(waiting > most / 4, 'while the flood still waits', { waiting, most })
  t.equal((await logIn('10.0.0.1', email, 'a wrong password')).status, 401, 'with any answer')

  await Promise.all(flooding)
  t.strictSame([...new Set(statuses)].sort(), [401, 503], 'the flood is checked or shed, and none is lost')
  t.strictSame(app.passwords.queue.load(), { running: 0, waiting: 0 })
})

// Regression: each /64 had a turn of its own, and the queue was full of lines with one slot, none of which could be shed.
t.test('a /48 that fills the queue from a /64 for each request delays only itself', async t => {
  const env = { ARGON2_MEMORY_KIB: '16384', ARGON2_TIME_COST: '4', TRUST_PROXY: '127.0.0.1' }
  const world = await startApp(t, { env })
  const { app } = world
  const { email } = await confirmedAccount(world)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const logIn = (from: string, as: string) =>
    fetch(`${app.listeningOrigin}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': from },
      body: JSON.stringify({ email: as, password }),
    })
  const most = 4 * availableParallelism() * Number(app.config.HASH_QUEUE_TIMEOUT)
  const statuses: number[] = []
  const flooding = Array.from({ length: 2 * most }, async (_, i) => {
    const { status } = await logIn(`2001:db8:77:${i.toString(16)}::1`, 'nobody@example.org')
    statuses.push(status)
  })
  await until('the queue is full', () => statuses.includes(503))
  const owners = []
  for (let i = 0; i < 5; i++) owners.push((await logIn('192.0.2.10', email)).status)
  t.strictSame(owners, Array(5).fill(200))
  const { waiting } = app.passwords.queue.load()
  t.ok(waiting > most / 4, 'while the flood still waits', { waiting, most })
  await Promise.all(flooding)
})

t.test('a request reserves a slot before its body, and releases it if it needs no hash', async t => {
  const { app } = await startApp(t, { env: SLOW_HASHES })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const socket = connect((app.server.address() as { port: number }).port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  const waiting = (count: number) =>
    until(`${count} wait`, () => app.passwords.queue.load().waiting === count)
  const bad = JSON.stringify({ email: 'nobody' })
  const request = wire('/login', bad)
  socket.write(request.slice(0, -bad.length))
  await waiting(1)
  socket.write(bad)
  isProblemOf(t, await answerOn(socket), 'validation_failed')
  await waiting(0)
  socket.write(request.slice(0, -bad.length))
  await waiting(1)
  socket.destroy()
  await waiting(0)
  t.strictSame(app.passwords.queue.load(), { running: 0, waiting: 0 }, 'also if the body never arrives')
})

// Regression: a slot was held until its response had ended, and a response behind an unread one does not end.
t.test('requests pipelined behind an unread response hold no slots', async t => {
  const world = await startApp(t)
  const { app } = world
  const { email } = await confirmedAccount(world)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as { port: number }
  const unread = connect(port, '127.0.0.1')
  t.teardown(() => unread.destroy())
  unread.pause()
  // Larger than the socket buffers of the kernel.
  const large = `GET ${LARGE} HTTP/1.1\r\nhost: latchkey.test\r\n\r\n`
  const refused = wire('/login', JSON.stringify({ email: 'a@b', password }))
  unread.write(large.repeat(8) + refused.repeat(8))
  const count = () => world.log.filter(line => line['event'] === 'input_validation_fail').length
  await until('as many are refused as are called at once', () => count() >= 2 * availableParallelism())
  const owner = connect(port, '127.0.0.1')
  t.teardown(() => owner.destroy())
  owner.write(wire('/login', JSON.stringify({ email, password })))
  t.equal((await answerOn(owner)).statusCode, 200)
  await until('all are refused', () => count() === 8)
  t.strictSame(app.passwords.queue.load(), { running: 0, waiting: 0 })
})

t.test('a request that the parser refuses holds no slot while its client stays connected', async t => {
  const { app, log } = await startApp(t)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as { port: number }
  const head = 'POST /login HTTP/1.1\r\nhost: latchkey.test\r\ncontent-type: application/json\r\n'
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  t.teardown(() => socket.destroy())
  socket.write(`${head}transfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n`)
  await until('a slot is reserved', () => app.passwords.queue.load().waiting === 1)
  socket.write('XX')
  await until('the slot is released', () => app.passwords.queue.load().waiting === 0)
  t.notOk(
    log.some(({ path }) => path === '/login'),
    'the response has not ended',
  )
})

t.test('slow bodies from more addresses than slots do not lock out other clients', async t => {
  const world = await startApp(t, { env: { RATE_LIMIT: 'on' } })
  const { app } = world
  const { email } = await confirmedAccount(world)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as { port: number }
  const body = JSON.stringify({ email: 'nobody@example.org', password: 'x' }).padEnd(60)
  const places = availableParallelism() * (1 + 4 * app.config.HASH_QUEUE_TIMEOUT)
  const slow = Array.from({ length: places + 8 }, (_, i) => {
    const socket = connect({ port, localAddress: `127.0.${1 + (i >> 7)}.${1 + (i & 127)}` })
    // The head and one byte of the body.
    socket.write(wire('/login', body).slice(0, 1 - body.length))
    return socket
  })
  t.teardown(() => slow.map(socket => socket.destroy()))
  await until('every slot is taken', () => app.passwords.queue.load().waiting >= places)
  const statuses: number[] = []
  const owner = connect(port)
  t.teardown(() => owner.destroy())
  for (let i = 0; i < 8; i++) {
    // The slow bodies continue.
    for (const socket of slow) socket.write(' ')
    owner.write(wire('/login', JSON.stringify({ email, password })))
    statuses.push((await answerOn(owner)).statusCode)
  }
  t.strictSame(statuses, Array(8).fill(200))
  t.ok(app.passwords.queue.load().waiting >= places - 8, 'the slow bodies still hold most slots')
})

// Regression: requests continued to the database, and most were shed only after it had responded.
t.test('of parallel logins as many pass as there are slots, and no other queries the database', async t => {
  const world = await startApp(t, {
    env: { ARGON2_MEMORY_KIB: '8192', ARGON2_TIME_COST: '2', HASH_QUEUE_TIMEOUT: '1' },
  })
  const { app } = world
  const { email } = await confirmedAccount(world)
  const room = (4 * Number(app.config.HASH_QUEUE_TIMEOUT) + 1) * availableParallelism()
  const recorded = recordQueries(app)
  const { answer: answers, queries } = await recorded(() =>
    Promise.all(
      Array.from({ length: 5 * room }, () => post(app, '/login', { email, password: 'a wrong password' })),
    ),
  )
  const shed = answers.filter(({ statusCode }) => statusCode === 503).length
  t.equal(shed, 4 * room)
  t.equal(queries.filter(query => query === 'users.credentialsFor').length, room)
})

t.test(
  'of more logins than can be served, some are shed with 503, the others succeed, and none is lost',
  async t => {
    const world = await startApp(t, {
      env: { ARGON2_MEMORY_KIB: '8192', ARGON2_TIME_COST: '2', HASH_QUEUE_TIMEOUT: '1' },
    })
    const { app } = world
    const { email, password } = await confirmedAccount(world)
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => post(app, '/login', { email, password })),
    )
    const shed = answers.filter(({ statusCode }) => statusCode === 503)
    t.ok(shed.length > 0, 'the flood was big enough')
    t.equal(answers.filter(({ statusCode }) => statusCode === 200).length, 60 - shed.length)
    for (const answer of shed.slice(0, 3)) {
      isProblemOf(t, answer, 'overloaded')
      t.match(answer.headers['retry-after'], /^1$/)
    }
    t.strictSame(app.passwords.queue.load(), { running: 0, waiting: 0 })
    const after = await post(app, '/login', { email, password })
    t.equal(after.statusCode, 200)
  },
)

t.test('no password is hashed for a client that has disconnected', async t => {
  const { app, log } = await startApp(t, { env: SLOW_HASHES })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as { port: number }
  const hashes = countHashes(t)
  const client = clientAt('127.0.0.1')
  // In the same line, before those on the sockets, and too many to be hashed first.
  let before = 0
  let hashed = 0
  const ahead = Array.from({ length: 150 }, async () => {
    before++
    await app.passwords.verify(undefined, 'x', client).then(
      () => hashed++,
      () => {},
    )
    before--
  })
  const onSockets = () => {
    const { running, waiting } = app.passwords.queue.load()
    return running + waiting - before
  }
  const sockets = Array.from({ length: 3 }, () => connect(port, '127.0.0.1'))
  for (const socket of sockets)
    socket.write(wire('/login', JSON.stringify({ email: 'a@example.org', password })))
  await until('all sockets wait', () => onSockets() >= 3)
  for (const socket of sockets) socket.destroy()
  await until('none of them waits', () => onSockets() <= 0)
  client.disconnect()
  await Promise.all(ahead)
  t.equal(hashes(), hashed, 'only hashes for connected clients')
  t.strictSame(app.passwords.queue.load(), { running: 0, waiting: 0 })
  t.notOk(
    log.some(({ level }) => Number(level) >= 50),
    'which is not an error',
  )
})
