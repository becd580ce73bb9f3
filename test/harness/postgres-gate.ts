// A TCP proxy in front of PostgreSQL that passes, drops or refuses connections.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Teardown } from './database.ts'

export interface PostgresGate {
  /** URL of the database behind it. */
  url: string
  attempts(): number
  drop(): void
  /** Refuses every login, as PostgreSQL does. */
  refuse(sqlstate: string, message: string): void
  /** Passes every connection to a handler. */
  hand(handler: (socket: Socket) => void): void
  open(): void
}

export async function postgresGate(t: Teardown, target?: string): Promise<PostgresGate> {
  const sockets = new Set<Socket>()
  let attempts = 0
  let receive: (socket: Socket) => void = socket => socket.destroy()
  const server = createServer(socket => {
    attempts++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    receive(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(target ?? 'postgresql://ada@127.0.0.1/accounts')
  const [host, port] = [url.hostname, Number(url.port || 5432)]
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  function drop() {
    for (const socket of sockets) socket.destroy()
    receive = socket => socket.destroy()
  }
  t.teardown(() => {
    drop()
    server.close()
  })
  return {
    url: url.href,
    attempts: () => attempts,
    drop,
    refuse(sqlstate, message) {
      drop()
      receive = socket => socket.once('data', () => socket.end(fatal(sqlstate, message)))
    },
    hand(handler) {
      drop()
      receive = handler
    },
    open() {
      receive = socket => {
        const behind = connect(port, host)
        behind.on('error', () => socket.destroy())
        socket.on('close', () => behind.destroy())
        socket.pipe(behind).pipe(socket)
      }
    },
  }
}

/** An ErrorResponse. https://www.postgresql.org/docs/current/protocol-message-formats.html */
function fatal(sqlstate: string, message: string): Buffer {
  const fields = ['SFATAL', 'VFATAL', `C${sqlstate}`, `M${message}`].map(field => `${field}\0`).join('')
  const body = Buffer.from(`${fields}\0`)
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}
