/** GET and POST /keys, DELETE /keys/{id}: the keys of the operators' API. */
import Type, { type Static } from 'typebox'
import { BODY_PROBLEMS, problems } from '../errors.ts'
import type { App, Handler } from '../http/route-types.ts'
import { Time } from '../http/schemas.ts'
import { byKey } from './authenticate.ts'
import { createKey, listKeys, revokeKey } from './keys.ts'
import { EXAMPLE, fields, Name, PublicKey, publicKey, Scopes } from './public-key.ts'
import { idOf, REFUSED } from './schemas.ts'

const CreatedKey = Type.Object(
  {
    ...fields,
    key: Type.String({ maxLength: 128, description: 'shown only once; send it as the bearer token' }),
  },
  { title: 'CreatedApiKey', additionalProperties: false, description: 'The new key' },
)

const List = Type.Object(
  { keys: Type.Array(PublicKey, { maxItems: 10_000 }) },
  { additionalProperties: false, description: 'Newest first', examples: [{ keys: [EXAMPLE] }] },
)

const Body = Type.Object(
  { name: Name, scopes: Scopes, expiresAt: Type.Optional(Time) },
  {
    additionalProperties: false,
    examples: [{ name: 'support desk', scopes: ['users:read', 'users:write'] }],
  },
)

const Params = idOf('the key')

export async function keyRoutes(app: App) {
  app.route({
    method: 'GET',
    url: '/keys',
    config: { scope: 'keys:write' },
    schema: {
      operationId: 'listKeys',
      summary: 'List API keys',
      description: 'All keys, revoked and expired ones too.',
      tags: ['keys'],
      response: { 200: List, ...problems(...REFUSED) },
    },
    handler: list,
  })

  app.route({
    method: 'POST',
    url: '/keys',
    config: { scope: 'keys:write' },
    schema: {
      operationId: 'createKey',
      summary: 'Create an API key',
      description:
        'The new key has a subset of the scopes of the key that creates it, and does not outlive it. The response is ' +
        'the only place where the key itself is shown.',
      tags: ['keys'],
      body: Body,
      response: {
        201: {
          description: 'The new key',
          content: { 'application/json': { schema: CreatedKey, examples: { key: { value: CREATED } } } },
        },
        ...problems(...BODY_PROBLEMS, ...REFUSED),
      },
    },
    handler: create,
  })

  app.route({
    method: 'DELETE',
    url: '/keys/:id',
    config: { scope: 'keys:write' },
    schema: {
      operationId: 'revokeKey',
      summary: 'Revoke an API key',
      description: 'Other instances refuse it within a second. A key may revoke itself.',
      tags: ['keys'],
      params: Params,
      response: {
        204: Type.Null({ description: 'It is revoked' }),
        ...problems('validation_failed', ...REFUSED, 'not_found'),
      },
    },
    handler: revoke,
  })
}

const CREATED = { ...EXAMPLE, key: `lk_${EXAMPLE.id.replaceAll('-', '')}_${'0'.repeat(72)}` }

const list: Handler<object, Static<typeof List>> = async function () {
  return { keys: (await listKeys(this)).map(publicKey) }
}

const create: Handler<{ body: typeof Body }> = async function (request, reply) {
  const { name, scopes, expiresAt } = request.body
  const wanted = { name, scopes, expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt) }
  const { key, row } = await createKey(this, wanted, byKey(request), request.apiKey)
  request.securityEvent('authz_admin', request.subject ?? {}, 'api_key_created')
  return reply.code(201).send({ ...publicKey(row), key })
}

const revoke: Handler<{ params: typeof Params }> = async function (request, reply) {
  const { id } = request.params
  await revokeKey(this, id, byKey(request))
  this.forgetApiKey(id)
  request.securityEvent('authz_admin', request.subject ?? {}, 'api_key_revoked')
  return reply.code(204).send()
}
