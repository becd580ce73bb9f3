/** latchkey as it runs in production, less the limits. */
import { readFileSync } from 'node:fs'
import type { Teardown } from '../test/harness/database.ts'
import { type Server, startServer } from './child.ts'

const { scripts } = JSON.parse(readFileSync(new URL(import.meta.resolve('#root/package.json')), 'utf8')) as {
  scripts: { start: string }
}

/** Options of Node in `npm start`. */
const NODE_OPTIONS = /exec node (.*)dist\/bin\/start\.cjs/.exec(scripts.start)?.[1]?.trim().split(/\s+/) ?? []

interface ServiceOptions {
  databaseUrl: string
  secret: string
  cwd: string
  env?: Record<string, string>
}

/**
 * Starts the service. Everything is at its default but for the limits, which are off, and the log, which
 * is at `warn`; mails are written, and printed to nowhere.
 *
 * @param cwd a folder without `.env`
 * @param env what is not at its default
 */
export function startService(
  t: Teardown,
  { databaseUrl, secret, cwd, env = {} }: ServiceOptions,
): Promise<Server> {
  return startServer(t, {
    module: '../bin/start.cjs',
    nodeOptions: NODE_OPTIONS,
    cwd,
    readyPath: '/health/ready',
    env: {
      DATABASE_URL: databaseUrl,
      JWT_SECRET: secret,
      // The issuer of the seeded tokens, whatever the port.
      APP_URL: 'http://localhost:3000',
      RATE_LIMIT: 'off',
      MAIL_BACKEND: 'console',
      LOG_LEVEL: 'warn',
      ...env,
    },
  })
}
