/** Thousands of idle connections; those that sent a request end after 72 s. */
import t from 'tap'
import { holdIdleConnections } from './clients.ts'

t.setTimeout(600_000)

t.test('thousands of idle connections do not block other clients and end in time', t =>
  holdIdleConnections(t, { count: 3000, keptAlive: true }),
)
