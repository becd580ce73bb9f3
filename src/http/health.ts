/** Liveness and readiness probes. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import Type, { type Static } from 'typebox'
import { outageDetail, outageReason } from '../database/outage.ts'
import { type ProblemError, problem, problems } from '../errors.ts'
import { outageLog } from '../shared/outage-log.ts'

/** Milliseconds for which probes share one check. */
const STATE_AGE_MS = 1000

const State = Type.String({ maxLength: 64 })
type Ready = Static<typeof Ready>
const Ready = Type.Object(
  {
    status: Type.Literal('ready'),
    database: State,
    limits: Type.String({ maxLength: 64, description: 'where limits are counted' }),
  },
  { additionalProperties: false, examples: [{ status: 'ready', database: 'sqlite', limits: 'memory' }] },
)

const PROBE = { isProbe: true, isUncounted: true } as const

async function health(app: FastifyInstance) {
  app.get('/health/live', {
    config: PROBE,
    schema: {
      operationId: 'live',
      summary: 'Liveness probe',
      description: 'Responds while the event loop runs. Checks nothing else.',
      tags: ['health'],
      security: [],
      response: {
        200: Type.Object(
          { status: Type.Literal('live') },
          {
            additionalProperties: false,
            description: 'The process is alive',
            examples: [{ status: 'live' }],
          },
        ),
        ...problems(),
      },
    },
    handler: async () => ({ status: 'live' as const }),
  })

  app.get('/health/ready', {
    config: PROBE,
    schema: {
      operationId: 'ready',
      summary: 'Readiness probe',
      description:
        'Checks that the database is migrated and writable, and that the instance is not shutting down. ' +
        'An outage of the mail server or of Redis does not matter: emails wait, and limits are counted in memory.',
      tags: ['health'],
      security: [],
      response: { 200: { ...Ready, description: 'The instance is ready' }, ...problems('not_ready') },
    },
    handler: ready,
  })

  const fault = outageLog(
    app.log,
    { failed: 'the instance is not ready', worked: 'the instance is ready again' },
    error => ({ reason: (error as ProblemError).errors?.[0]?.message ?? outageDetail(error) }),
  )
  let state: { takenAt: number; answer: Promise<Ready> } | undefined

  async function ready() {
    if (app.isDraining()) throw notReady('/process', 'is shutting down')
    // There is no limit on probes, so the database is checked at most once a second, one check at a time.
    if (state === undefined || performance.now() - state.takenAt > STATE_AGE_MS) {
      const begun = performance.now()
      const taken = { takenAt: Number.POSITIVE_INFINITY, answer: takeState() }
      taken.answer
        .catch(() => {})
        .finally(() => {
          taken.takenAt = begun
        })
      state = taken
    }
    return state.answer
  }

  async function takeState(): Promise<Ready> {
    const failing = (cause: unknown) => {
      const outage = outageReason(cause)
      if (outage) app.database.outage.failed(cause)
      throw notReady('/database', outage?.reason ?? 'fails', cause)
    }
    try {
      const pending = await app.database.pendingMigrations().catch(failing)
      if (pending.length > 0) throw notReady('/database', `lacks migrations: ${pending.join(', ')}`)
      await app.database.assertWritable().catch(failing)
    } catch (error) {
      if (outageReason((error as Error).cause) === undefined) fault.failed(error)
      throw error
    }
    fault.worked()
    app.database.outage.worked()
    return {
      status: 'ready',
      database: app.database.provider,
      limits: await whereLimitsAreCounted(),
    }
  }

  async function whereLimitsAreCounted() {
    const state = await app.probeRedis()
    if (state === undefined) return 'memory'
    return state === 'works' ? 'redis' : `memory, redis ${state}`
  }
}

function notReady(path: string, message: string, cause?: unknown) {
  return problem('not_ready', { errors: [{ path, message }], cause, retryAfter: 5 })
}

export default fp(health, { name: 'health', dependencies: ['database', 'connections', 'counters'] })
