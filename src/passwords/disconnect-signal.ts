/**
 * A signal that says that a client has disconnected.
 *
 * Not Fastify's `request.signal`: it follows the request's stream, which also closes as soon as the body
 * has been read, so that a client that still waits would seem to have disconnected.
 */
import { setMaxListeners } from 'node:events'
import type { Socket } from 'node:net'

/** What is needed of a connection. */
export type Connection = Pick<Socket, 'destroyed' | 'once'>

const signals = new WeakMap<Connection, AbortSignal>()

/**
 * A signal that is aborted when a connection closes; one for all requests on it, however long it is kept
 * alive.
 */
export function disconnectSignal(connection: Connection): AbortSignal {
  if (connection.destroyed) return AbortSignal.abort()
  const known = signals.get(connection)
  if (known !== undefined) return known
  const controller = new AbortController()
  // As many as a client pipelines.
  setMaxListeners(0, controller.signal)
  // An explicit reason saves a DOMException, with its stack, for each connection.
  connection.once('close', () => controller.abort('the connection is closed'))
  signals.set(connection, controller.signal)
  return controller.signal
}
