/**
 * Disconnects, slow-loris, stalled readers and idle connections: the service closes each in time, keeps serving
 * others, and frees all resources. Against a separate process, with its own memory and handles.
 */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { answersIn, requestText } from '../../harness/raw-http.ts'
import { openRows, type Rows } from '../../harness/rows.ts'
import { until } from '../../harness/until.ts'
import {
  fromNewNetwork,
  holdIdleConnections,
  LATE_MS,
  MEGABYTE,
  post,
  SECRET,
  startUnderAttack,
  unmoved,
} from './clients.ts'

/** Hashes that take long enough for clients to disconnect during them. */
const LONG_HASHES = { ARGON2_MEMORY_KIB: '65536', ARGON2_TIME_COST: '3', HASH_QUEUE_TIMEOUT: '60' }
/** More than a megabyte. */
const LARGE = '/docs/static/swagger-ui-bundle.js'
/** Handles that the service itself opens meanwhile: a probe's connection, files of the database. */
const OWN_HANDLES = 4

t.setTimeout(600_000)
// They spend most of their time waiting for timeouts of the service.
t.jobs = 5

const registration = (index: number) =>
  post('/register', { email: `person-${index}@example.org`, password: `${SECRET} ${index}` })

for (const { what, env, served, rows } of [
  {
    what: 'a registration',
    env: {},
    served: 202,
    /** Emails of the registrations, and of the mails to them. */
    rows: async ({ client }: Rows) => [
      (await client.registration.findMany()).map(({ email }) => email),
      (await client.outbox.findMany({ where: { kind: 'registration' } })).map(({ recipient }) => recipient),
    ],
  },
  {
    what: 'an account, without confirmation of addresses,',
    env: { ...LONG_HASHES, EMAIL_CONFIRMATION: 'off' },
    served: 201,
    /** Emails of the accounts, and those of the accounts with an event. */
    rows: async ({ client }: Rows) => {
      const users = await client.user.findMany()
      const events = await client.event.findMany({ where: { kind: 'registered' } })
      const emailOf = (id: string | null) =>
        users.find(user => user.id === id)?.email ?? `without a user: ${id}`
      return [users.map(({ email }) => email), events.map(({ userId }) => emailOf(userId))]
    },
  },
]) {
  t.test(`${what} whose client disconnects is made completely or not at all`, async t => {
    const service = await startUnderAttack(t, env)
    const handles = service.handles()
    const clients = 40
    const answered = new Set<number>()
    const leaving: Promise<unknown>[] = []
    for (let index = 0; index < clients; index++) {
      const socket = await service.open()
      socket.on('data', () => answered.add(index))
      const bytes = registration(index)
      // Some disconnect within the header, some within the body, the others while they wait, hash or get a response.
      const sent = index % 4 === 0 ? Math.floor((bytes.length * (index + 1)) / clients) : bytes.length
      socket.write(bytes.slice(0, sent))
      leaving.push(
        delay(index * 25).then(() => {
          if (index % 2) socket.destroy()
          else socket.resetAndDestroy()
          return socket.closed ? undefined : once(socket, 'close')
        }),
      )
    }
    await Promise.all(leaving)
    const began = performance.now()
    const socket = await service.open()
    socket.write(registration(clients))
    const [answer] = await once(socket, 'data')
    t.equal(answersIn(answer)[0]?.statusCode, served, 'later clients are served')
    t.comment(`after ${Math.round(performance.now() - began)} ms`)
    socket.destroy()
    await until('all handles are given back', () => service.handles() <= handles)
    unmoved(t, service)
    await service.service.end('SIGINT')

    const [made = [], beside = []] = await rows(await openRows(t, service.databaseUrl))
    t.strictSame(beside.sort(), made.sort(), 'each has what belongs to it, and nothing belongs to no row')
    t.ok(made.length < clients, `some were broken off: ${made.length} of ${clients} were not`)
    t.comment(`${made.length - 1 - answered.size} were made after their client had left`)
    t.ok(made.includes(`person-${clients}@example.org`))
  })
}

const JSON_BODY = ['Content-Type: application/json', 'Content-Length: 1000']

for (const { what, limit, head } of [
  {
    what: 'header fields',
    limit: 5000,
    head: () => 'POST /login HTTP/1.1\r\nHost: localhost\r\nX-Slow: ',
  },
  {
    what: 'a body',
    limit: 10_000,
    head: () => requestText('POST /login', { fields: [...JSON_BODY, fromNewNetwork()] }),
  },
]) {
  t.test(
    `clients that send ${what} byte by byte are disconnected in time and delay no other client`,
    async t => {
      const service = await startUnderAttack(t)
      const handles = service.handles()
      const lives = Array.from({ length: 50 }, async () => {
        // Before it connects, because a busy test process learns late that it has.
        const began = performance.now()
        const socket = await service.open()
        const received: Buffer[] = []
        socket.on('data', chunk => received.push(chunk))
        const ended = once(socket, 'close')
        socket.write(head())
        const dribble = setInterval(() => socket.writable && socket.write('x'), 100)
        await ended
        clearInterval(dribble)
        return { ms: performance.now() - began, answer: answersIn(Buffer.concat(received))[0] }
      })
      for (let asked = 0; asked < 10; asked++) t.equal(await service.get('/health/ready'), 200)
      const ended = await Promise.all(lives)
      const times = ended.map(({ ms }) => Math.round(ms))
      t.ok(Math.min(...times) >= limit, `none was cut off early: ${Math.min(...times)} ms`)
      t.ok(Math.max(...times) <= limit + LATE_MS, `nor much too late: ${Math.max(...times)} ms`)
      t.ok(
        ended.every(({ answer }) => answer?.statusCode === 408),
        'each got a 408',
      )
      await until('all handles are given back', () => service.handles() <= handles)
      unmoved(t, service)
    },
  )
}

t.test('clients that never read their responses hold little memory and are disconnected', async t => {
  // Nothing may be read for this long and twenty seconds.
  const service = await startUnderAttack(t, { HASH_QUEUE_TIMEOUT: '1' })
  for (let asked = 0; asked < 5; asked++) t.equal(await service.get(LARGE), 200)
  const handles = service.handles()
  const memory = service.memory()
  const sockets = await Promise.all(Array.from({ length: 50 }, () => service.open()))
  const gone = sockets.map(socket => once(socket, 'close'))
  const began = performance.now()
  for (const socket of sockets) {
    socket.pause()
    // Far more than the kernel buffers.
    for (let asked = 0; asked < 100; asked++) {
      socket.write(requestText(`GET ${LARGE}`, { fields: [fromNewNetwork()] }))
    }
  }
  let mostMemory = 0
  let mostHandles = 0
  const look = () => {
    mostMemory = Math.max(mostMemory, service.memory() - memory)
    mostHandles = Math.max(mostHandles, service.handles() - handles)
  }
  // Not all at the same time: on a busy machine the first would be disconnected before the last one's turn.
  const stalled = new Set<number>()
  await until('each was sent more than it takes', () => {
    look()
    for (const port of service.stalled()) stalled.add(port)
    return stalled.size === sockets.length
  })
  t.equal(await service.get('/health/ready'), 200)
  // Half of them disconnect themselves.
  for (const [index, socket] of sockets.entries()) if (index % 2) socket.resetAndDestroy()
  await until('all are let go', () => {
    look()
    return service.handles() <= handles
  })
  t.comment(`${Math.round(mostMemory / MEGABYTE)} MB and ${mostHandles} handles more at the most`)
  t.comment(`let go after ${Math.round(performance.now() - began)} ms`)
  for (const socket of sockets) socket.resume()
  await Promise.all(gone)
  t.ok(mostHandles <= sockets.length + OWN_HANDLES, 'a socket each, and no file', { mostHandles })
  t.ok(mostMemory < 512 * MEGABYTE, `${Math.round(mostMemory / MEGABYTE)} MB`)
  unmoved(t, service)
})

t.test('idle connections end after 5 s and do not block other clients', t =>
  holdIdleConnections(t, { count: 500 }),
)
