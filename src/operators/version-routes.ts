/** GET /version: the running release. */
import Type, { type Static } from 'typebox'
import { problems } from '../errors.ts'
import type { App, Handler } from '../http/route-types.ts'
import { VERSION } from '../shared/version.ts'

const Version = Type.Object(
  { version: Type.String({ maxLength: 64 }), node: Type.String({ maxLength: 64 }) },
  {
    title: 'Version',
    additionalProperties: false,
    description: 'The release of latchkey, and of Node',
    examples: [{ version: '1.4.0', node: '24.1.0' }],
  },
)

export async function versionRoutes(app: App) {
  app.route({
    method: 'GET',
    url: '/version',
    config: { scope: 'any' },
    schema: {
      operationId: 'getVersion',
      summary: 'Which release runs?',
      description: 'Instances of several releases may run during an upgrade; this one responds.',
      tags: ['health'],
      response: { 200: Version, ...problems('api_key_invalid') },
    },
    handler: show,
  })
}

const show: Handler<object, Static<typeof Version>> = async () => ({
  version: VERSION,
  node: process.versions.node,
})
