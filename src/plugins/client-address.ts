/**
 * Makes `request.ip` an address, of a client that is gone too, and whatever the proxies in front have
 * written into `X-Forwarded-For`.
 *
 * Some of them write the client's port too, and then every connection would have limits of its own; some hand on
 * what they are given, and then a client would write into logs, mails and rows what it likes.
 */
import { isIP } from 'node:net'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

const FIELD = 'x-forwarded-for'

async function clientAddress(app: FastifyInstance) {
  // Node can only ask while the connection is there, and remembers. Later, a client that breaks off in the
  // right moment has no address, and limits would fail with 500.
  app.server.on('connection', socket => {
    // Broken off before it was taken up: there is nobody to answer.
    if (socket.remoteAddress === undefined) socket.destroy()
  })

  if (app.config.TRUST_PROXY === undefined) return
  app.addHook('onRequest', async ({ raw }) => {
    const field = raw.headers[FIELD]
    if (field !== undefined) raw.headers[FIELD] = addressesIn(String(field)).join(', ')
  })
}

/**
 * The addresses of the field, from the right, where the nearest proxy writes, up to the first that is none:
 * nobody says where that came from.
 */
export function addressesIn(field: string): string[] {
  const addresses: string[] = []
  for (const element of field.split(',').reverse()) {
    const address = addressOf(element.trim())
    if (address === undefined) break
    addresses.unshift(address)
  }
  return addresses
}

/** An address without brackets, port and zone. */
function addressOf(element: string): string | undefined {
  const [, four, six] = /^(?:([\d.]+)(?::\d+)?|\[([^\]]*)\](?::\d+)?)$/.exec(element) ?? []
  const address = four ?? six ?? element
  return isIP(address) ? address.split('%')[0] : undefined
}

export default fp(clientAddress, { name: 'client-address' })
