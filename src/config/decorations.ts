/** What the app gives to every plugin. A file without other imports, so that no layer depends on the app. */
import type { Config } from './environment.ts'

declare module 'fastify' {
  interface FastifyInstance {
    config: Config
    /** Current time. Tests replace it to move time. */
    clock: () => Date
    /** Milliseconds of a monotonic clock, for counters in memory. */
    uptime: () => number
  }
}
