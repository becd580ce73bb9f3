import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { freshDatabase } from '../../harness/database.ts'
import { serviceEnvironment, startProcess } from '../../harness/process.ts'
import { answersIn, requestText } from '../../harness/raw-http.ts'
import { until } from '../../harness/until.ts'

const LOGINS = 50
const HALVES = 20
const READERS = 10

t.setTimeout(180_000)

async function running(t: Test, env: Record<string, string> = {}) {
  const database = await freshDatabase(t)
  const service = startProcess(t, { env: serviceEnvironment({ DATABASE_URL: database, ...env }) })
  const url = await service.listening()
  const isStopping = () => service.log().some(({ msg }) => msg === 'shutting down')
  return { service, database, url, port: Number(new URL(url).port), isStopping }
}

/** A connection, the bytes received on it, and how it ended: `in order`, or the code of an error. */
async function caller(port: number, text: string) {
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const received: Buffer[] = []
  const state = { ended: '' }
  socket.on('data', chunk => received.push(chunk))
  socket.on('end', () => {
    state.ended ||= 'in order'
  })
  socket.on('error', error => {
    state.ended = (error as NodeJS.ErrnoException).code ?? error.message
  })
  await once(socket, 'connect')
  if (text !== '') socket.write(text)
  return { socket, state, bytes: () => Buffer.concat(received) }
}

/** A closed listener refuses; a connection that the kernel had accepted when it closed is reset. */
const REFUSALS: unknown[] = ['ECONNREFUSED', 'ECONNRESET']

/** The status of a probe on a separate connection, or `refused`. */
async function probe(port: number): Promise<number | 'refused'> {
  try {
    const { state, bytes } = await caller(port, requestText('GET /health/ready'))
    await until('the probe is answered', () => state.ended !== '' || answersIn(bytes()).length > 0)
    const [answer] = answersIn(bytes())
    if (answer) return answer.statusCode
    if (REFUSALS.includes(state.ended)) return 'refused'
    throw new Error(`a probe ended ${state.ended}`)
  } catch (error) {
    if (REFUSALS.includes((error as NodeJS.ErrnoException).code)) return 'refused'
    throw error
  }
}

const json = (path: string, body: object) =>
  requestText(`POST ${path}`, { fields: ['Content-Type: application/json'], body: JSON.stringify(body) })

const login = json('/login', { email: 'nobody@example.org', password: 'not the password' })

/**
 * A hundred requests, each on its own socket: queued hashes, bodies whose second half is still to come (during the
 * drain, or after the listener has closed), and long responses that nobody has read yet.
 */
t.test('SIGTERM fails probes first and answers a hundred requests in flight', async t => {
  const { service, url, port, isStopping } = await running(t, {
    ARGON2_MEMORY_KIB: '19456',
    ARGON2_TIME_COST: '2',
    // On a busy machine the last hash waits long; load shedding has its own tests.
    HASH_QUEUE_TIMEOUT: '60',
  })
  t.equal(await probe(port), 200)
  const document = Buffer.from(await (await fetch(`${url}/openapi.json`)).arrayBuffer())
  const refresh = json('/token/refresh', { refreshToken: 'not one' })
  const half = refresh.length - 8
  const readers = await Promise.all(
    Array.from({ length: READERS }, async () => {
      const reader = await caller(port, '')
      reader.socket.pause()
      reader.socket.write(requestText('GET /openapi.json'))
      return reader
    }),
  )
  const early = await Promise.all(Array.from({ length: HALVES }, () => caller(port, refresh.slice(0, half))))
  const late = await Promise.all(Array.from({ length: HALVES }, () => caller(port, refresh.slice(0, half))))
  const logins = await Promise.all(Array.from({ length: LOGINS }, () => caller(port, login)))
  const all = [...readers, ...early, ...late, ...logins]
  t.equal(all.length, 100)
  await until('the first hash is answered', () => logins.some(({ bytes }) => bytes().length > 0))
  const answeredBefore = logins.filter(({ bytes }) => bytes().length > 0).length
  t.ok(answeredBefore < LOGINS, 'hashes are in flight')

  service.child.kill('SIGTERM')
  await until('it drains', isStopping)
  t.ok(
    service.log().some(({ msg, reason }) => msg === 'shutting down' && reason === 'SIGTERM'),
    'the log names the signal',
  )
  for (const { socket } of early) socket.write(refresh.slice(half))
  const newcomer = await caller(port, requestText('GET /health/live'))
  await until('a newcomer is served', () => newcomer.state.ended !== '')
  t.match(answersIn(newcomer.bytes())[0], { statusCode: 200, headers: { connection: 'close' } })

  const seen: { status: number | 'refused'; at: number }[] = []
  await until('the listener is closed', async () => {
    seen.push({ status: await probe(port), at: performance.now() })
    return seen.at(-1)?.status === 'refused'
  })
  t.strictSame([...new Set(seen.map(({ status }) => status))], [503, 'refused'], 'in this order')
  const off = seen.filter(({ status }) => status === 503)
  const seconds = ((off.at(-1)?.at ?? 0) - (off[0]?.at ?? 0)) / 1000
  t.ok(seconds > 1.5, 'a probe each second sees twice that it is not ready', { seconds })
  t.equal(service.child.exitCode, null, 'it still answers earlier requests')
  for (const { socket } of late) socket.write(refresh.slice(half))
  for (const { socket } of readers) socket.resume()

  t.equal(await service.ended(), 0)
  await until('every connection has ended', () => all.every(({ state }) => state.ended !== ''))
  t.strictSame([...new Set(all.map(({ state }) => state.ended))], ['in order'], 'none was reset')
  const answers = all.map(({ bytes }) => answersIn(bytes()))
  t.ok(
    answers.every(({ length }) => length === 1),
    'each has one complete response',
  )
  const statuses = answers.map(([answer]) => answer?.statusCode)
  t.strictSame(statuses.slice(0, READERS), Array(READERS).fill(200))
  t.strictSame(statuses.slice(READERS), Array(2 * HALVES + LOGINS).fill(401))
  for (const [answer] of answers.slice(0, READERS)) t.equal(answer?.body, document.toString())
  for (const [answer] of answers.slice(READERS)) t.type(JSON.parse(answer?.body ?? '').code, 'string')
  const closing = answers.slice(READERS).filter(([answer]) => answer?.headers['connection'] === 'close')
  t.ok(closing.length >= 2 * HALVES, 'responses after the signal close their connections')
  t.notMatch(service.stdout(), /timed out|"level":50/)
})

t.test(
  'SIGINT: requests in flight are answered, and neither probes nor idle connections delay the end',
  async t => {
    // Hashes that take long enough for all to arrive before a few are answered, and that are not shed.
    const hashes = { ARGON2_MEMORY_KIB: '65536', ARGON2_TIME_COST: '2', HASH_QUEUE_TIMEOUT: '60' }
    const { service, port } = await running(t, hashes)
    const used = await caller(port, requestText('GET /health/live'))
    await until('a connection was used', () => answersIn(used.bytes()).length === 1)
    const idle = [used, await caller(port, ''), await caller(port, 'POST /login HTTP/1.1\r\nhost: x\r\n')]
    const logins = await Promise.all(Array.from({ length: 12 }, () => caller(port, login)))
    const answered = () => logins.filter(({ bytes }) => answersIn(bytes()).length === 1).length
    // By then the others have arrived; a request that has not, when the listener closes, cannot be answered.
    await until('a few are answered', () => answered() >= 3)
    service.child.kill('SIGINT')
    let allAnsweredAt = 0
    await until('all are answered', () => {
      if (answered() === logins.length) allAnsweredAt = performance.now()
      return allAnsweredAt > 0
    })
    t.equal(await service.ended(), 0)
    const ms = performance.now() - allAnsweredAt
    t.ok(ms < 2500, 'the end follows at once, before the 3 s that a load balancer is given', { ms })
    t.strictSame(
      logins.map(({ bytes }) => answersIn(bytes())[0]?.statusCode),
      Array(12).fill(401),
    )
    const closing = logins.filter(({ bytes }) => answersIn(bytes())[0]?.headers['connection'] === 'close')
    t.ok(closing.length >= 6, 'most of them while it closed')
    await until('idle connections have ended', () => idle.every(({ state }) => state.ended !== ''))
  },
)

t.test(
  'a signal is handled from the first line of the banner on, and a second one ends the process at once',
  async t => {
    const { service, isStopping } = await running(t)
    service.child.kill('SIGTERM')
    await until('it drains', isStopping)
    const began = performance.now()
    t.equal(await service.end('SIGTERM'), 1)
    const ms = performance.now() - began
    t.ok(ms < 2500, 'without the 3 s for a load balancer', { ms })
  },
)

/** Creates a key for introspection on the command line, beside the service. */
async function operatorKey(database: string): Promise<string> {
  const program = fileURLToPath(new URL('../../../bin/latchkey.cjs', import.meta.url))
  const words = [program, 'keys', 'create', 'gateway', '--scope', 'tokens:introspect']
  const env = { PATH: process.env['PATH'], DATABASE_URL: database }
  const { stdout } = await promisify(execFile)(process.execPath, words, { env })
  return /lk_\w+/.exec(stdout)?.[0] ?? ''
}

t.test("the operators' API is served, drained and closed with the service", async t => {
  const { service, database, port, isStopping } = await running(t, { OPERATOR_PORT: '0' })
  const operators = Number(/^ {2}operators +http\S+:(\d+)$/m.exec(service.stdout())?.[1])
  const authorization = `Authorization: Bearer ${await operatorKey(database)}`
  const introspect = requestText('POST /introspect', {
    fields: [authorization, 'Content-Type: application/x-www-form-urlencoded'],
    body: 'token=nonsense',
  })
  const half = introspect.length - 8
  t.equal(await probe(operators), 200)
  const used = await caller(operators, introspect)
  await until('it is served', () => answersIn(used.bytes()).length === 1)
  t.match(answersIn(used.bytes())[0], { statusCode: 200, body: '{"active":false}' })
  const halves = await Promise.all([0, 1].map(() => caller(operators, introspect.slice(0, half))))

  service.child.kill('SIGTERM')
  await until('it drains', isStopping)
  t.equal(await probe(operators), 503, 'its readiness fails first')
  halves[0]?.socket.write(introspect.slice(half))
  for (const one of [port, operators]) {
    await until('the listener is closed', async () => (await probe(one)) === 'refused')
  }
  t.equal(service.child.exitCode, null, 'the request in flight delays the exit')
  halves[1]?.socket.write(introspect.slice(half))

  t.equal(await service.ended(), 0)
  await until('every connection has ended', () => [used, ...halves].every(({ state }) => state.ended !== ''))
  for (const { state, bytes } of halves) {
    t.equal(state.ended, 'in order')
    t.match(answersIn(bytes()), [
      { statusCode: 200, headers: { connection: 'close' }, body: '{"active":false}' },
    ])
  }
  t.notMatch(service.stdout(), /timed out|"level":50/)
})
