/** An eavesdropper between a client and a server. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Teardown } from '../../harness/database.ts'

export interface Eavesdropper {
  /** The port to connect to instead of the server's. */
  port: number
  /** Everything that clients have sent so far, one character per byte. */
  eavesdropped(): string
}

/** Listens on the loopback interface and forwards everything to a port there. */
export async function startEavesdropper(t: Teardown, to: number): Promise<Eavesdropper> {
  const sockets = new Set<Socket>()
  let eavesdropped = ''
  const server = createServer(client => {
    const onward = connect(to, '127.0.0.1')
    for (const [socket, other] of [
      [client, onward],
      [onward, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
    client.on('data', bytes => {
      eavesdropped += bytes.toString('latin1')
    })
    client.pipe(onward)
    onward.pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return { port: (server.address() as AddressInfo).port, eavesdropped: () => eavesdropped }
}
