/** What every listener of the service has: Fastify's options, and the plugins that make HTTP and JSON strict. */
import type { Server } from 'node:http'
import accepts from '@fastify/accepts'
import type { FastifyHttpOptions, FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { Config } from '../config/config.ts'
import { proxiesIn } from '../config/proxies.ts'
import afterResponse from './after-response.ts'
import clientAddress from './client-address.ts'
import connections from './connections.ts'
import errorHandler from './error-handler.ts'
import jsonBody from './json-body.ts'
import { answerParserError } from './parser-errors.ts'
import rateLimit from './rate-limit.ts'
import requestLog, { QuietLogController } from './request-log.ts'
import { escapeMalformed } from './request-target.ts'
import { schemaController } from './schema-compilers.ts'
import securityHeaders from './security-headers.ts'
import securityLog from './security-log.ts'
import strictHttp from './strict-http.ts'
import traceContext, { traceOptions } from './trace-context.ts'

/** Durations in milliseconds, sizes in bytes. */
const HTTP = {
  bodyLimit: 16 * 1024,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  /** How long a plugin may take to start: Fastify's default (10 s) ended a start on an overloaded machine. */
  pluginTimeout: 60_000,
  keepAliveTimeout: 72_000,
  /** How often `requestTimeout` is checked. Node's default (30 s) lets a slow-loris stay that long. */
  connectionsCheckingInterval: 1000,
  // Closes stalled readers: longest silence while a response is due, besides the wait for a hash. Node waits twice as
  // long if data was written since its last look.
  stallTimeout: 20_000,
  maxHeaderSize: 16 * 1024,
}

/** Fastify's options, but for the logger and what a listener does with paths. */
export function listenerOptions(config: Config) {
  return {
    logController: new QuietLogController(),
    ...traceOptions(config.TRUST_PROXY),
    trustProxy: config.TRUST_PROXY !== undefined && proxiesIn(config.TRUST_PROXY),
    bodyLimit: HTTP.bodyLimit,
    pluginTimeout: HTTP.pluginTimeout,
    requestTimeout: HTTP.requestTimeout,
    keepAliveTimeout: HTTP.keepAliveTimeout,
    connectionTimeout: HTTP.stallTimeout + config.HASH_QUEUE_TIMEOUT * 1000,
    http: {
      headersTimeout: HTTP.headersTimeout,
      connectionsCheckingInterval: HTTP.connectionsCheckingInterval,
      maxHeaderSize: HTTP.maxHeaderSize,
      // http/strict-http.ts checks it and responds with a problem document.
      requireHostHeader: false,
    },
    // Requests on open connections are still answered while the service drains.
    return503OnClosing: false,
    clientErrorHandler: answerParserError,
    rewriteUrl: escapeMalformed,
    schemaController,
    // The router's own limit responds without a problem document. The schemas have limits.
    routerOptions: { maxParamLength: HTTP.maxHeaderSize },
  } satisfies FastifyHttpOptions<Server>
}

/** How listeners differ. */
export interface StackOptions {
  /** A plugin named `counters`, which limits count by. */
  counters: FastifyPluginAsync
  /** Whether pages of `CORS_ORIGINS` may call it. */
  cors: boolean
  /** Whether every request counts for the limit on everything; if not, routes count on their own. */
  limitsEverything: boolean
  /** Receives an outage of the database that a job after a response met. */
  onOutage(error: unknown): void
}

/**
 * Registers what comes before all routes.
 *
 * @param app with `config`, `clock` and `uptime`
 */
export async function registerStack(app: FastifyInstance, options: StackOptions): Promise<void> {
  await app.register(connections)
  await app.register(afterResponse, { onOutage: options.onOutage })
  await app.register(clientAddress)
  await app.register(traceContext)
  await app.register(requestLog)
  await app.register(securityLog)
  await app.register(errorHandler)
  await app.register(securityHeaders, { cors: options.cors })
  await app.register(options.counters)
  await app.register(rateLimit, { everything: options.limitsEverything })
  await app.register(strictHttp)
  await app.register(jsonBody)
  await app.register(accepts)
}
