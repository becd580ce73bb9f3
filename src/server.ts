/** The process: loads the configuration, listens, and shuts down gracefully. */
import { lookup } from 'node:dns/promises'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { buildApp } from './app.ts'
import { banner, serviceFacts } from './banner.ts'
import {
  type Config,
  type ConfigError,
  loadConfig,
  processEnvironment,
  renamedVariables,
} from './config/config.ts'
import { productionWarnings } from './config/production.ts'
import { isLoopback } from './config/urls.ts'
import { report } from './process-log.ts'

/** A load balancer that probes each second sees that readiness is off before the listener closes. */
const READINESS_NOTICE_MS = 3000
/** Requests and hashes have timed out by then; only stalled clients are still connected. */
const LAST_RESPONSE_MS = 16_000
const SHUTDOWN_LIMIT_MS = 20_000
const ORCHESTRATOR_SIGNALS = ['SIGTERM', 'SIGHUP']
// Node's accept queue of 511 overflows in a flood, and dropped clients retry only after TCP's 1 s. Linux caps
// it at net.core.somaxconn (4096 by default).
const BACKLOG = 4096

type ShutDown = (reason: string, exitCode: number) => void

/** @param handOver receives the shutdown, whose second call ends the process at once, before anything has to be drained */
export async function startServer(handOver: (shutDown: ShutDown) => void): Promise<void> {
  const config = configuration()
  const app = await buildApp(config).catch(refuse)
  const operators = await operatorApp(app).catch(refuse)
  const warnings = [...renamedVariables(processEnvironment()), ...productionWarnings(config)]
  for (const { variable, message } of warnings) app.log.warn({ variable }, message)

  // For `localhost`, Fastify opens a second listener without our parser errors and our shutdown.
  const [address, operatorAddress] = await Promise.all([
    addressOf(config.HOST),
    operators && addressOf(config.OPERATOR_HOST),
  ]).catch(refuse)
  // The whole start may run in one turn of the event loop. A signal that came meanwhile ends the process here.
  await nextTurn()

  const listening = listen(app, address, operators, operatorAddress).catch(refuse)
  let stopping = false
  handOver((reason, exitCode) => {
    if (!stopping) void stop(app, operators, reason, listening)
    else if (exitCode === 0) process.exit(1)
    process.exitCode = exitCode || process.exitCode || 0
    stopping = true
  })
  await listening
  if (config.NODE_ENV === 'production')
    app.log.info({ event: 'sys_startup', ...serviceFacts(app, operators) }, 'listening')
  else process.stdout.write(banner(app, operators))
}

async function addressOf(host: string): Promise<string> {
  return (await lookup(host, { order: 'ipv4first' })).address
}

/** Builds the operators' app, whose code is loaded only if it is on. It closes with the service. */
async function operatorApp(service: FastifyInstance): Promise<FastifyInstance | undefined> {
  if (service.config.OPERATOR_PORT === undefined) return undefined
  const { buildOperatorApp } = await import('./operators/app.ts')
  const operators = await buildOperatorApp(service)
  let closed: Promise<undefined> | undefined
  service.addHook('preClose', async () => {
    closed = operators.close()
  })
  // Before the database closes, because these hooks run in reverse order.
  service.addHook('onClose', async () => closed)
  return operators
}

async function listen(
  app: FastifyInstance,
  host: string,
  operators: FastifyInstance | undefined,
  operatorHost: string | undefined,
): Promise<void> {
  const { PORT, OPERATOR_PORT = 0 } = app.config
  await app.listen({ host, port: PORT, backlog: BACKLOG })
  if (operators === undefined || operatorHost === undefined) return
  await operators.listen({ host: operatorHost, port: OPERATOR_PORT })
  if (isLoopback(operatorHost)) return
  operators.log.warn(
    { variable: 'OPERATOR_HOST' },
    "other machines can reach the operators' API: let only a private network, or a proxy with TLS, reach it",
  )
}

async function stop(
  app: FastifyInstance,
  operators: FastifyInstance | undefined,
  reason: string,
  listening: Promise<void>,
) {
  app.log.info({ event: 'sys_shutdown', reason }, 'shutting down')
  setTimeout(() => {
    for (const { server } of [app, ...(operators ? [operators] : [])]) server.closeAllConnections()
  }, LAST_RESPONSE_MS).unref()
  setTimeout(() => {
    app.log.error('shutdown timed out, ending the process')
    process.exit(1)
  }, SHUTDOWN_LIMIT_MS).unref()
  app.drain()
  operators?.drain()
  if (ORCHESTRATOR_SIGNALS.includes(reason)) await delay(READINESS_NOTICE_MS)
  // Closing an app that is about to listen would be reported as a failed start.
  await listening
  await app.close()
  process.exit()
}

function configuration(): Config {
  try {
    return loadConfig(processEnvironment())
  } catch (error) {
    if ((error as Error).name !== 'ConfigError') return refuse(error as Error)
    const { problems } = error as ConfigError
    const message = 'latchkey cannot start: the configuration is invalid'
    const text =
      `${message}.\n\n${problems.map(line => `  ${line}\n`).join('')}\n` +
      'Every variable is described in docs/configuration.md and in .env.example.'
    report('fatal', message, { event: 'sys_crash', problems }, text)
    process.exit(1)
  }
}

function refuse(error: Error): never {
  report('fatal', `latchkey cannot start: ${error.message}`, { event: 'sys_crash' })
  process.exit(1)
}
