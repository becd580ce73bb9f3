// GET /.well-known/jwks.json and GET /.well-known/oauth-authorization-server: other back ends verify access tokens with
// them (RFC 7517, RFC 8414).
import Type from 'typebox'
import { problems } from '../errors.ts'
import { fixedDocument, sendDocument } from '../http/fixed-document.ts'
import type { App, Handler } from '../http/route-types.ts'

/** Seconds. The rotation in docs/deploy.md waits for these and the 10 minutes for which jose keeps a copy. */
const MAX_AGE = 300
/** RFC 7517, section 8.5.2. */
const KEY_SET = 'application/jwk-set+json'

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
  { title: 'JsonWebKeySet', additionalProperties: false },
)
const EXAMPLE = {
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
}

const Metadata = Type.Object(
  {
    issuer: Type.String({ maxLength: 2048, format: 'uri', description: '`iss` of access tokens' }),
    jwks_uri: Url,
    // There is no OAuth flow. RFC 8414 requires the first list; without the second it assumes two grants.
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

export async function publishedKeys(app: App) {
  const { access } = app.tokens
  app.route({
    method: 'GET',
    url: '/.well-known/jwks.json',
    config: { isUncounted: true },
    schema: {
      operationId: 'publicKeys',
      summary: 'Get the public keys of access tokens',
      description:
        'A JSON Web Key Set (RFC 7517). A key is published before it signs, and until the tokens that it signed expire. ' +
        'Any origin may read it, and caches may keep it for five minutes.',
      tags: ['keys'],
      security: [],
      response: cacheable({
        description: 'The key that signs, then those that only verify',
        content: { [KEY_SET]: { schema: JwkSet, examples: { keys: { value: EXAMPLE } } } },
      }),
    },
    handler: sender({ keys: access.publicKeys }, KEY_SET),
  })

  app.route({
    method: 'GET',
    url: '/.well-known/oauth-authorization-server',
    config: { isUncounted: true },
    schema: {
      operationId: 'issuerMetadata',
      summary: 'Get the metadata of the issuer',
      description:
        'Authorization server metadata (RFC 8414), for back ends that find the keys by the issuer.',
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

function cacheable(success: object) {
  return { 200: success, 304: Type.Null({ description: 'The copy of the client is current' }), ...problems() }
}

function sender(content: object, type: string): Handler {
  const document = fixedDocument(JSON.stringify(content), type, { compress: false })
  return async (request, reply) => {
    // Public documents, which depend on no request: CORS for every origin, without credentials.
    reply.removeHeader('access-control-allow-credentials')
    reply.headers({
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      'cache-control': `public, max-age=${MAX_AGE}`,
    })
    return sendDocument(request, reply, document)
  }
}
