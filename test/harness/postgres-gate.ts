/** A listener in front of PostgreSQL that lets connections through, drops them, or refuses them by SQLSTATE. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Teardown } from './database.ts'

export interface PostgresGate {
  /** Of the database behind it; of a database that nobody needs to be where there is none. */
  url: string
  /** Connections so far. */
  attempts(): number
  /** Drops every connection, now and from now on. */
  drop(): void
  /** Refuses every login from now on, as PostgreSQL does. */
  refuse(sqlstate: string, message: string): void
  /** Hands every connection to a handler from now on. */
  hand(handler: (socket: Socket) => void): void
  /** Lets everything through from now on. */
  open(): void
}

/** @param target URL of the database behind it */
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
