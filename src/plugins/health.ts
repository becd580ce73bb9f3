/**
 * Whether this instance lives, and whether it can serve.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import Type from 'typebox'
import { outageOf } from '../database/outage.ts'
import { problem, problems } from '../errors.ts'

const State = Type.String({ maxLength: 64 })
const Ready = Type.Object(
  {
    status: Type.Literal('ready'),
    database: State,
    limits: Type.String({ maxLength: 64, description: 'where limits are counted' }),
  },
  { additionalProperties: false, examples: [{ status: 'ready', database: 'sqlite', limits: 'memory' }] },
)

async function health(app: FastifyInstance) {
  app.get('/health/live', {
    schema: {
      operationId: 'live',
      summary: 'Does the process live?',
      description: 'Answers as long as the event loop turns. Asks nothing else.',
      tags: ['health'],
      security: [],
      response: {
        200: Type.Object(
          { status: Type.Literal('live') },
          { additionalProperties: false, description: 'It lives', examples: [{ status: 'live' }] },
        ),
        ...problems(),
      },
    },
    handler: async () => ({ status: 'live' as const }),
  })

  app.get('/health/ready', {
    schema: {
      operationId: 'ready',
      summary: 'Can it serve?',
      description:
        'Asks the database, whether its migrations are applied and it can be written to, and whether the instance ' +
        'is shutting down. ' +
        'A mail server or Redis that is away does not make it unready: mails wait, limits are counted locally.',
      tags: ['health'],
      security: [],
      response: { 200: { ...Ready, description: 'It can serve' }, ...problems('not_ready') },
    },
    handler: ready,
  })

  async function ready(_request: FastifyRequest, _reply: FastifyReply) {
    if (app.isDraining()) throw notReady('/process', 'is shutting down')
    const failing = (cause: unknown) => {
      const told = outageOf(cause) === 'unwritable' ? 'cannot be written to' : 'does not answer'
      throw notReady('/database', told, cause)
    }
    const pending = await app.database.pendingMigrations().catch(failing)
    if (pending.length > 0) throw notReady('/database', `lacks migrations: ${pending.join(', ')}`)
    await app.database.assertWritable().catch(failing)
    return {
      status: 'ready' as const,
      database: app.database.provider,
      limits: await whereLimitsAreCounted(),
    }
  }

  async function whereLimitsAreCounted() {
    const answers = app.redisAnswers()
    if (answers === undefined) return 'memory'
    return (await answers) ? 'redis' : 'memory, redis does not answer'
  }
}

function notReady(path: string, message: string, cause?: unknown) {
  return problem('not_ready', { errors: [{ path, message }], cause, retryAfter: 5 })
}

export default fp(health, { name: 'health', dependencies: ['database', 'counters', 'drain'] })
