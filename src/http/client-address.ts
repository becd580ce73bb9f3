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
const HOUR_MS = 3_600_000

async function clientAddress(app: FastifyInstance) {
  // Node can only ask while the connection is there, and remembers. Later, a client that breaks off in the
  // right moment has no address, and limits would fail with 500.
  app.server.on('connection', socket => {
    // Broken off before it was taken up: there is nobody to answer.
    if (socket.remoteAddress === undefined) socket.destroy()
  })

  const isConfigured = app.config.TRUST_PROXY !== undefined
  const why = isConfigured ? 'TRUST_PROXY does not name that address' : 'TRUST_PROXY is not set'
  let warnedAt = Number.NEGATIVE_INFINITY
  app.addHook('onRequest', async request => {
    const { raw } = request
    const field = raw.headers[FIELD]
    if (field === undefined) return
    const addresses = addressesIn(String(field))
    if (isConfigured) raw.headers[FIELD] = addresses.join(', ')
    const peer = raw.socket.remoteAddress
    // Fastify takes the address of the connection where it trusts nobody who wrote the field.
    if (addresses.length === 0 || request.ip !== peer || app.uptime() - warnedAt < HOUR_MS) return
    warnedAt = app.uptime()
    request.log.warn({ peer }, `X-Forwarded-For ignored, all clients of this proxy share its limits: ${why}`)
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
