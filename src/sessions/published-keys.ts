/**
 * GET /.well-known/jwks.json and GET /.well-known/oauth-authorization-server: what other back ends verify access tokens
 * with (RFC 7517, RFC 8414). For everybody, and as cacheable as the rotation of the secret allows.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type TObject } from 'typebox'
import { problems } from '../errors.ts'
import { fixedDocument, sendDocument } from '../http/fixed-document.ts'

/** Seconds. docs/deploy.md waits for three times as long before a published key signs: jose keeps a copy for twice as long. */
const MAX_AGE = 300

const Url = Type.String({ maxLength: 2048, format: 'uri' })
const Coordinate = Type.String({ minLength: 43, maxLength: 43 })
const Nothing = Type.Array(Type.String({ maxLength: 1 }), { maxItems: 0 })

const JwkSet = Type.Object(
  {
    keys: Type.Array(
      Type.Object(
        {
          kty: Type.Literal('EC'),
          crv: Type.Literal('P-256'),
          x: Coordinate,
          y: Coordinate,
          alg: Type.Literal('ES256'),
          use: Type.Literal('sig'),
          kid: Type.String({ minLength: 43, maxLength: 43, description: 'thumbprint (RFC 7638)' }),
        },
        { title: 'PublicKey', additionalProperties: false },
      ),
      { maxItems: 8 },
    ),
  },
  {
    additionalProperties: false,
    description: 'The keys: the one that signs first, then those that only verify',
    examples: [
      {
        keys: [
          {
            kty: 'EC',
            crv: 'P-256',
            x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
            y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
            alg: 'ES256',
            use: 'sig',
            kid: 'oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U',
          },
        ],
      },
    ],
  },
)

const Metadata = Type.Object(
  {
    issuer: Type.String({ maxLength: 2048, format: 'uri', description: '`iss` of access tokens' }),
    jwks_uri: Url,
    // No flow of OAuth starts here. RFC 8414 demands the first list, and would take the second for two grants.
    response_types_supported: Nothing,
    grant_types_supported: Nothing,
  },
  {
    additionalProperties: false,
    description: 'The metadata',
    examples: [
      {
        issuer: 'https://accounts.example.org',
        jwks_uri: 'https://accounts.example.org/.well-known/jwks.json',
        response_types_supported: [],
        grant_types_supported: [],
      },
    ],
  },
)

export async function publishedKeys(app: FastifyInstance) {
  const { access } = app.tokens
  app.route({
    method: 'GET',
    url: '/.well-known/jwks.json',
    schema: {
      operationId: 'publicKeys',
      summary: 'Which keys verify access tokens?',
      description:
        'A JSON Web Key Set (RFC 7517). A key is here before it signs, and as long as tokens that it signed are good. ' +
        'Any origin may read it, and it may be kept for five minutes.',
      tags: ['keys'],
      security: [],
      response: cacheable(JwkSet),
    },
    handler: sender({ keys: access.publicKeys }, 'application/jwk-set+json'),
  })

  app.route({
    method: 'GET',
    url: '/.well-known/oauth-authorization-server',
    schema: {
      operationId: 'issuerMetadata',
      summary: 'Who issues access tokens, and where are its keys?',
      description:
        'Authorization server metadata (RFC 8414), for verifiers that find the keys by the issuer.',
      tags: ['keys'],
      security: [],
      response: cacheable(Metadata),
    },
    handler: sender(
      {
        issuer: access.issuer,
        jwks_uri: `${access.issuer.replace(/\/+$/, '')}/.well-known/jwks.json`,
        response_types_supported: [],
        grant_types_supported: [],
      },
      'application/json; charset=utf-8',
    ),
  })
}

function cacheable(schema: TObject) {
  return { 200: schema, 304: Type.Null({ description: 'The client has it' }), ...problems() }
}

function sender(content: object, type: string) {
  const document = fixedDocument(JSON.stringify(content), type, { compress: false })
  return (request: FastifyRequest, reply: FastifyReply) => {
    // Public, and nothing that a request says changes it: no cookie and no credentials are wanted.
    reply.removeHeader('access-control-allow-credentials')
    reply.headers({
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      'cache-control': `public, max-age=${MAX_AGE}`,
    })
    return sendDocument(request, reply, document)
  }
}
