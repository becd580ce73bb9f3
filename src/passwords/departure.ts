/**
 * Whether somebody still waits for an answer.
 *
 * Not Fastify's `request.signal`: it follows the request's stream, which also closes as soon as the body
 * has been read, and whoever asked for it before that was taken for gone.
 */
import { setMaxListeners } from 'node:events'
import type { Socket } from 'node:net'

/** What is needed of a connection. */
export type Connection = Pick<Socket, 'destroyed' | 'once'>

const departures = new WeakMap<Connection, AbortSignal>()

/**
 * A signal that is aborted when a connection closes; one for all requests on it, however long it is kept
 * alive.
 */
export function departureOf(connection: Connection): AbortSignal {
  if (connection.destroyed) return AbortSignal.abort()
  const known = departures.get(connection)
  if (known !== undefined) return known
  const leaving = new AbortController()
  // As many as a client pipelines.
  setMaxListeners(0, leaving.signal)
  // With a reason of its own: a DOMException, with its stack, for each connection is dear.
  connection.once('close', () => leaving.abort('the connection is closed'))
  departures.set(connection, leaving.signal)
  return leaving.signal
}
