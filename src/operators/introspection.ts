/**
 * POST /introspect (RFC 7662): whether an access token is active at this moment, for back ends that cannot wait for
 * its expiry.
 */
import { parse } from 'node:querystring'
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { isProblem, problem, problems } from '../errors.ts'
import type { App, Handler } from '../http/route-types.ts'
import { CLAIMS_NAME, OtherClaims, Roles, tokenClaims } from '../shared/claims.ts'
import type { VerifiedAccessToken } from '../tokens/access.ts'
import { REFUSED } from './schemas.ts'

const FORM = 'application/x-www-form-urlencoded'
/** Longest name of a field that a problem document repeats. */
const MAX_NAME = 64

const Body = Type.Object(
  {
    token: Type.String({
      minLength: 1,
      maxLength: 4096,
      pattern: '^[^\\x00]+$',
      description: 'an access token',
    }),
    token_type_hint: Type.Optional(
      Type.String({ maxLength: 64, pattern: '^\\w*$', description: 'accepted and ignored' }),
    ),
  },
  {
    additionalProperties: false,
    examples: [{ token: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl' }],
  },
)

const Text = Type.Optional(Type.String({ maxLength: 2048 }))
const Seconds = Type.Optional(Type.Integer({ minimum: 0, maximum: 253_402_300_799, format: 'int64' }))

const Introspection = Type.Object(
  {
    active: Type.Boolean({ description: 'if false, there is no other member' }),
    token_type: Text,
    sub: Type.Optional(Type.String({ maxLength: 64, description: 'id of the account' })),
    sid: Type.Optional(Type.String({ maxLength: 64, description: 'id of the session' })),
    iss: Text,
    aud: Text,
    client_id: Text,
    jti: Text,
    iat: Seconds,
    exp: Seconds,
    auth_time: Seconds,
    roles: Type.Optional(Roles),
    [CLAIMS_NAME]: Type.Optional(OtherClaims),
  },
  {
    title: 'Introspection',
    additionalProperties: false,
    description: 'The state of the token, with roles and claims as they are now',
  },
)
type Introspection = Static<typeof Introspection>

const ACTIVE: Introspection = {
  active: true,
  token_type: 'Bearer',
  sub: '01936f3e-8a77-7c3b-9d0e-4f1f2f0c6a55',
  sid: '01936f3e-8a77-7c3b-9d0e-4f1f2f0c6a56',
  iat: 1_769_851_800,
  exp: 1_769_852_700,
  roles: ['editor'],
}

export async function introspection(app: App) {
  acceptFormsOnly(app as unknown as FastifyInstance)
  app.route({
    method: 'POST',
    url: '/introspect',
    config: { scope: 'tokens:introspect' },
    schema: {
      operationId: 'introspect',
      summary: 'Introspect an access token',
      description:
        'RFC 7662. A token is active while it has not expired, its session is active and its account is not disabled: it ' +
        'is inactive right after a logout, a reset or the disabling of the account.',
      tags: ['tokens'],
      consumes: [FORM],
      body: Body,
      response: {
        200: {
          description: 'The state of the token',
          content: {
            'application/json': {
              schema: Introspection,
              examples: { active: { value: ACTIVE }, inactive: { value: { active: false } } },
            },
          },
        },
        ...problems(
          ...(['validation_failed', 'payload_too_large', 'unsupported_media_type'] as const),
          ...REFUSED,
        ),
      },
    },
    handler: introspect,
  })
}

const introspect: Handler<{ body: typeof Body }, Introspection> = async function (request) {
  const { token } = request.body
  const verified = verifiedOf(this, token)
  if (verified === undefined) return { active: false }
  const session = { id: verified.sessionId, userId: verified.userId }
  const account = await this.database.users.findBearer(session, this.clock())
  if (account === null) return { active: false }
  const { sub, sid, iss, aud, client_id, jti, iat, exp, auth_time } = verified.claims
  const said = { sub, sid, iss, aud, client_id, jti, iat, exp, auth_time }
  return { active: true, token_type: 'Bearer', ...said, ...tokenClaims(account.claims) } as Introspection
}

function verifiedOf({ tokens }: FastifyInstance, token: string): VerifiedAccessToken | undefined {
  try {
    return tokens.access.verify(token)
  } catch (error) {
    if (isProblem(error)) return undefined
    throw error
  }
}

/** RFC 7662 section 2.1. A repeated parameter could be read in two ways. */
function acceptFormsOnly(app: FastifyInstance) {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    const refusal = { detail: `The body must be ${FORM}.`, headers: { accept: FORM } }
    done(body.length === 0 ? null : problem('unsupported_media_type', refusal))
  })
  app.addContentTypeParser(FORM, { parseAs: 'string' }, (_request, body, done) => {
    // Faster than URLSearchParams. Without a limit on the number of fields, because a repeated one could follow after
    // it.
    const fields = parse(body as string, '&', '=', { maxKeys: 0 })
    const twice = Object.keys(fields).find(name => Array.isArray(fields[name]))
    if (twice === undefined) return done(null, fields)
    const errors = [{ path: `/${twice.slice(0, MAX_NAME)}`, message: 'must not come twice' }]
    done(problem('validation_failed', { errors }))
  })
}
