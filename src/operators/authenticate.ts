/** Requires an API key with the scope of the route. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { ApiKey } from '../database/queries/api-keys.ts'
import type { By } from '../database/queries/events.ts'
import { problem } from '../errors.ts'
import { originOf } from '../http/origin.ts'
import { equalInConstantTime } from '../shared/constant-time.ts'
import { parseKey } from './api-key.ts'
import { type Scope, scopesOf } from './keys.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The scope that a key needs for the route; `any` accepts every key. */
    scope?: Scope | 'any'
  }
  interface FastifyInstance {
    /** Refuses a key at once that this instance has just revoked. */
    forgetApiKey(id: string): void
  }
  interface FastifyRequest {
    /** The key of the request; only on routes with a scope. */
    apiKey: ApiKey
  }
}

const BEARER = /^Bearer +(lk_\w{1,200})$/i

/** Milliseconds for which a key is cached. A key that another instance revoked is refused after that. */
const REMEMBERED_MS = 1000
/** More keys than an operator has. */
const MOST_REMEMBERED = 100
const HOUR_MS = 3_600_000

async function authentication(app: FastifyInstance) {
  const { apiKeys } = app.database
  const remembered = new Map<string, { readAt: number; row: Promise<ApiKey | undefined> }>()

  /** At most one read per second and key, so that most requests cost none. */
  function find(id: string): Promise<ApiKey | undefined> {
    const known = remembered.get(id)
    if (known !== undefined && app.uptime() - known.readAt < REMEMBERED_MS) return known.row
    const row = apiKeys.find(id)
    remembered.delete(id)
    remembered.set(id, { readAt: app.uptime(), row })
    const forget = () => void (remembered.get(id)?.row === row && remembered.delete(id))
    // An invented id must not evict a real one for longer than its query takes.
    row.then(found => found ?? forget(), forget)
    if (remembered.size > MOST_REMEMBERED) remembered.delete(remembered.keys().next().value as string)
    return row
  }

  async function keyOf(request: FastifyRequest): Promise<ApiKey | undefined> {
    const shown = parseKey(BEARER.exec(request.headers.authorization ?? '')?.[1] ?? '')
    if (shown === undefined) return undefined
    const row = await find(shown.id)
    const now = app.clock()
    if (row === undefined || !equalInConstantTime(row.hash, shown.hash) || row.revokedAt !== null)
      return undefined
    if (row.expiresAt !== null && row.expiresAt <= now) return undefined
    await noteUse(row, now)
    return row
  }

  /** Rounded to the hour, and set on the cached row at once, so that only one of many requests writes. */
  async function noteUse(row: ApiKey, now: Date) {
    const hour = new Date(Math.floor(now.getTime() / HOUR_MS) * HOUR_MS)
    if (row.lastUsedAt !== null && row.lastUsedAt >= hour) return
    row.lastUsedAt = hour
    await apiKeys.noteUse(row.id, hour)
  }

  const everything = app.limit('all')
  const wrongKeys = app.limit('login')
  app.decorate('forgetApiKey', id => void remembered.delete(id))
  app.decorateRequest('apiKey')

  app.addHook('onRequest', async (request, reply) => {
    const { scope, isUncounted } = request.routeOptions.config
    if (scope === undefined) {
      // Open to every client: load balancers and orchestrators have no key.
      if (!isUncounted) await everything.call(app, request, reply)
      return
    }
    const key = await keyOf(request)
    if (key === undefined) {
      // Counted only now: guesses from a network must not lock out the keys that are used there.
      await wrongKeys.call(app, request, reply)
      throw problem('api_key_invalid')
    }
    request.apiKey = key
    request.subject = { actor: actorOf(key) }
    if (scope !== 'any' && !scopesOf(key).includes(scope)) {
      throw problem('insufficient_scope', {
        detail: `The key needs the scope ${scope}.`,
        headers: { 'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"` },
      })
    }
  })
}

const actorOf = ({ id }: Pick<ApiKey, 'id'>) => `key:${id}` as const

/** The operator in events: without address and device, which are not the account's. */
export function byKey(request: FastifyRequest): By {
  const { requestId, traceparent = null } = originOf(request)
  return { actor: actorOf(request.apiKey), origin: { ip: null, device: null, requestId, traceparent } }
}

export default fp(authentication, {
  name: 'operators-authenticate',
  dependencies: ['database', 'rate-limit'],
})
