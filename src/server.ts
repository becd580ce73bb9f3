/**
 * The process: configuration, listening, and a shutdown that loses nothing.
 */
import { lookup } from 'node:dns/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { buildApp } from './app.ts'
import { banner, serviceFacts } from './banner.ts'
import { type Config, type ConfigError, loadConfig, processEnvironment } from './config/config.ts'
import { productionWarnings } from './config/production.ts'
import { report } from './process-log.ts'

/** What load balancers that probe each second need to see that readiness is off, before the listener is. */
const NOTICE_MS = 3000
/** Time to arrive and patience for a hash are over by then, so whoever is still connected only dawdles. */
const LAST_ANSWER_MS = 16_000
const SHUTDOWN_LIMIT_MS = 20_000
/** Only these come from an orchestrator, whose load balancer has to notice; a terminal or a crash does not wait. */
const NOTICED = ['SIGTERM', 'SIGHUP']
/**
 * Connections that wait to be accepted. Node's 511 overflow in a flood, and who is dropped comes back only
 * after TCP's second; Linux cuts this to its own limit (net.core.somaxconn, 4096 by default).
 */
const BACKLOG = 4096

/**
 * Starts the service.
 *
 * @returns drains the service, closes it and ends the process; a second signal ends the process at once
 */
export async function startServer(): Promise<(reason: string, exitCode: number) => void> {
  const config = configuration()
  const app = await buildApp(config).catch(refuse)
  for (const { variable, message } of productionWarnings(config)) app.log.warn({ variable }, message)

  // By address: for the name `localhost` Fastify opens a second listener, which has neither our answers to what
  // the parser refuses nor our shutdown.
  const { address } = await lookup(config.HOST, { order: 'ipv4first' }).catch(refuse)
  await app.listen({ host: address, port: config.PORT, backlog: BACKLOG }).catch(refuse)
  if (config.NODE_ENV === 'production')
    app.log.info({ event: 'sys_startup', ...serviceFacts(app) }, 'listening')
  else process.stdout.write(banner(app))

  let stopping = false
  return (reason, exitCode) => {
    if (!stopping) void stop(app, reason)
    // A second signal ends the process at once.
    else if (exitCode === 0) process.exit(1)
    process.exitCode = exitCode || process.exitCode || 0
    stopping = true
  }
}

async function stop(app: FastifyInstance, reason: string) {
  app.log.info({ event: 'sys_shutdown', reason }, 'shutting down')
  setTimeout(() => app.server.closeAllConnections(), LAST_ANSWER_MS).unref()
  setTimeout(() => {
    app.log.error('shutdown took too long')
    process.exit(1)
  }, SHUTDOWN_LIMIT_MS).unref()
  app.drain()
  if (NOTICED.includes(reason)) await delay(NOTICE_MS)
  await app.close()
  process.exit()
}

function configuration(): Config {
  try {
    return loadConfig(processEnvironment())
  } catch (error) {
    if ((error as Error).name !== 'ConfigError') return refuse(error as Error)
    const { problems } = error as ConfigError
    const message = 'latchkey cannot start: the configuration is not right'
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
