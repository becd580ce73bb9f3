/** Hostile clients, and the resources of the service that they use. */
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import type { Test } from 'tap'
import { freshDatabase } from '../../harness/database.ts'
import { type ServiceProcess, serviceEnvironment, startProcess } from '../../harness/process.ts'
import { answersIn, requestText } from '../../harness/raw-http.ts'
import { until } from '../../harness/until.ts'

export const MEGABYTE = 1024 * 1024
/** A busy machine may be late, never early. */
export const LATE_MS = 10_000
const IDLE_LIMIT_MS = 5000
const KEEP_ALIVE_MS = 72_000

/** Must never be logged. */
export const SECRET = 'a secret that nobody may log'

export interface UnderAttack {
  service: ServiceProcess
  databaseUrl: string
  /** A new connection, closed with the test. */
  open(): Promise<Socket>
  /** Response to a well-behaved client on a separate connection. */
  get(path: string): Promise<number>
  /** Open files and sockets of the process. */
  handles(): number
  /** Ports of the clients that do not read what the kernel has buffered for them. */
  stalled(): number[]
  /** Memory of the process in bytes. */
  memory(): number
}

/** Starts the service with all limits, behind a proxy that names each client. */
export async function startUnderAttack(t: Test, env: Record<string, string> = {}): Promise<UnderAttack> {
  const databaseUrl = await freshDatabase(t)
  const given = { DATABASE_URL: databaseUrl, RATE_LIMIT: 'on', TRUST_PROXY: '127.0.0.1', ...env }
  const service = startProcess(t, { env: serviceEnvironment(given) })
  const { hostname: host, port } = new URL(await service.listening())
  const { pid } = service.child

  async function open() {
    const socket = connect({ host, port: Number(port), noDelay: true })
    t.teardown(() => socket.destroy())
    await once(socket, 'connect')
    socket.on('error', () => {})
    return socket
  }

  async function get(path: string) {
    const socket = await open()
    const received: Buffer[] = []
    socket.on('data', chunk => received.push(chunk))
    socket.write(requestText(`GET ${path}`, { fields: ['Connection: close'] }))
    await once(socket, 'close')
    return answersIn(Buffer.concat(received))[0]?.statusCode ?? 0
  }

  return {
    service,
    databaseUrl,
    open,
    get,
    handles: () => readdirSync(`/proc/${pid}/fd`).length,
    stalled: () => stalledAt(Number(port)),
    memory: () =>
      1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]),
  }
}

/**
 * Remote ports of the connections to a local port whose send queue is not empty (proc_net_tcp.txt of the
 * kernel).
 */
function stalledAt(port: number): number[] {
  const connections = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1)
  return connections.flatMap(line => {
    const [, local = '', remote = '', , queues = ''] = line.trim().split(/\s+/)
    const portOf = (address: string) => Number.parseInt(address.split(':')[1] ?? '', 16)
    return portOf(local) === port && !queues.startsWith('00000000:') ? [portOf(remote)] : []
  })
}

let networks = 0

/** The header in which a proxy names a network that no other client uses. */
export function fromNewNetwork(): string {
  const network = networks++
  return `X-Forwarded-For: 10.${network >> 16}.${(network >> 8) & 255}.${network & 255}`
}

/** A request with a JSON body, from a separate network. */
export function post(path: string, body: object): string {
  const fields = ['Content-Type: application/json', fromNewNetwork()]
  return requestText(`POST ${path}`, { fields, body: JSON.stringify(body) })
}

/** Asserts that no error and no secret was logged. */
export function unmoved(t: Test, { service }: UnderAttack) {
  t.strictSame(
    service.log().filter(line => Number(line['level']) >= 50),
    [],
    'no error in the log',
  )
  t.equal(service.stderr(), '')
  t.notOk(service.stdout().includes(SECRET), 'no secret in the log')
  t.equal(service.child.exitCode, null, 'it lives')
}

/**
 * Opens many connections and leaves them idle until the service closes them.
 *
 * @param count of connections, as far as the limit on open files allows
 * @param keptAlive whether every tenth connection sends one request first; it then lives for 72 s
 */
export async function holdIdleConnections(
  t: Test,
  { count, keptAlive = false }: { count: number; keptAlive?: boolean },
) {
  const service = await startUnderAttack(t)
  const handles = service.handles()
  const memory = service.memory()
  const limit = Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])
  const lives: { used: boolean; life: Promise<number> }[] = []
  while (lives.length < Math.min(count, limit - 500)) {
    // Before it connects, because a busy test process learns late that it has.
    const began = performance.now()
    const socket = await service.open()
    const used = keptAlive && lives.length % 10 === 0
    socket.resume()
    lives.push({ used, life: once(socket, 'close').then(() => performance.now() - began) })
    if (used) socket.write(requestText('GET /health/live'))
    if (lives.length % 250 === 0) t.equal(await service.get('/health/ready'), 200, `beside ${lives.length}`)
  }
  t.comment(`${lives.length}: ${Math.round((service.memory() - memory) / MEGABYTE)} MB`)
  for (const { used, life } of lives) {
    const ms = await life
    const expected = used ? KEEP_ALIVE_MS : IDLE_LIMIT_MS
    if (ms < expected || ms > expected + LATE_MS) t.fail('a connection ends in time', { used, ms })
  }
  await until('all handles are given back', () => service.handles() <= handles)
  const grown = service.memory() - memory
  t.ok(grown < 128 * MEGABYTE, `${Math.round(grown / MEGABYTE)} MB more than before`)
  unmoved(t, service)
}
