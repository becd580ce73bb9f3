import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * A port nobody listens on. Below those that the kernel gives to whoever connects, which may take any of
 * them before it is listened on.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(15_000, 30_000)
    const server = createServer().listen(port, '127.0.0.1')
    const taken = await Promise.race([
      once(server, 'listening').then(() => false),
      once(server, 'error').then(() => true),
    ])
    if (taken) continue
    server.close()
    await once(server, 'close')
    return port
  }
}
