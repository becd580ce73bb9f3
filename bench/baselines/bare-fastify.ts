/**
 * A process: Fastify with nothing around it, for what a route costs at least. Its environment: `PORT`,
 * and where the routes that need them are wanted `JWT_SECRET` and `DATABASE_URL`.
 */
import fastifyJwt from '@fastify/jwt'
import Fastify from 'fastify'
import Type, { type Static } from 'typebox'
import { PublicUser } from '../../src/accounts/public-user.ts'
import { Email } from '../../src/shared/email-address.ts'
import { deriveKey } from '../../src/tokens/keys.ts'
import { openInsert } from './durable-insert.ts'

const Body = Type.Object({ email: Email }, { additionalProperties: false })
const Status = Type.Object({ status: Type.String() })

const USER: Static<typeof PublicUser> = {
  id: '01936f3e-8a77-7c3b-9d0e-4f1f2f0c6a55',
  email: 'ada@example.org',
  emailConfirmedAt: '2026-01-31T09:30:00.000Z',
  passwordChangedAt: '2026-01-31T09:28:12.000Z',
  createdAt: '2026-01-31T09:30:00.000Z',
  locale: null,
  roles: [],
  claims: {},
}

const { PORT, JWT_SECRET, DATABASE_URL } = process.env as Record<string, string | undefined>

// Ajv as Fastify sets it up; the service's own format would be unknown to it.
const app = Fastify({ ajv: { customOptions: { formats: { address: true } } } })

app.get('/live', { schema: { response: { 200: Status } } }, async () => ({ status: 'live' }))

if (JWT_SECRET) {
  await app.register(fastifyJwt, {
    secret: deriveKey(JWT_SECRET, 'access', 'sign'),
    verify: { algorithms: ['HS256'] },
  })
  app.get(
    '/me',
    {
      schema: { response: { 200: PublicUser } },
      onRequest: async request => void (await request.jwtVerify()),
    },
    async () => USER,
  )
}

if (DATABASE_URL) {
  const insert = await openInsert(DATABASE_URL)
  app.post<{ Body: Static<typeof Body> }>(
    '/insert',
    { schema: { body: Body, response: { 202: Status } } },
    async (request, reply) => {
      await insert(request.body.email)
      return reply.code(202).send({ status: 'reset_sent' })
    },
  )
}

await app.listen({ host: '127.0.0.1', port: Number(PORT) })
