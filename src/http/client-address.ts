/**
 * Makes `request.ip` an address, whatever proxies write into `X-Forwarded-For`. Some add the client's port, which would
 * give each connection limits of its own. Some pass on what the client wrote, which would end up in logs and emails.
 */
import { isIP } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

const FIELD = 'x-forwarded-for'
const HOUR_MS = 3_600_000

async function clientAddress(app: FastifyInstance) {
  const isConfigured = app.config.TRUST_PROXY !== undefined
  const why = isConfigured ? 'TRUST_PROXY does not name that address' : 'TRUST_PROXY is not set'
  let warnedAt = Number.NEGATIVE_INFINITY
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.raw.headers[FIELD] !== undefined) readField(request, request.raw.headers[FIELD])
    done()
  })

  function readField(request: FastifyRequest, field: string | string[]) {
    const { raw } = request
    const addresses = addressesIn(String(field))
    if (isConfigured) raw.headers[FIELD] = addresses.join(', ')
    const peer = raw.socket.remoteAddress
    // Where Fastify trusts no writer of the field, `ip` is the address of the connection.
    if (addresses.length === 0 || request.ip !== peer || app.uptime() - warnedAt < HOUR_MS) return
    warnedAt = app.uptime()
    request.log.warn({ peer }, `X-Forwarded-For ignored, all clients of this proxy share its limits: ${why}`)
  }
}

/**
 * The addresses of the field. The nearest proxy writes at the right end, so an entry that is not an address makes all
 * entries to its left untrustworthy.
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
