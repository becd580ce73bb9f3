/** Output outside the log: failures at the start, warnings, libraries. JSON lines in production. */
import { Console } from 'node:console'
import { hostname } from 'node:os'
import { Writable } from 'node:stream'
import { inspect } from 'node:util'
import { isMainThread } from 'node:worker_threads'
import { loadEnvFile } from './config/env-file.ts'
import { withoutAddresses } from './shared/log-scrub.ts'

const LEVELS = { info: 30, warn: 40, error: 50, fatal: 60 } as const
type Level = keyof typeof LEVELS

/** A mistyped NODE_ENV counts as production, where a log collector reads the output. */
const isDevelopment = () => /^\s*(development|test)?\s*$/.test(process.env['NODE_ENV'] ?? '')

/** Writes one message: a JSON line in production, `text` elsewhere. Failures go to standard error. */
export function report(level: Level, message: string, fields: Record<string, unknown> = {}, text = message) {
  const stream = level === 'info' ? process.stdout : process.stderr
  stream.write(isDevelopment() ? `${text}\n` : jsonLine(level, message, fields))
}

/**
 * Turns all output outside the log into JSON lines in production. Call it before other modules load, in each
 * thread.
 */
export function structureOutput(): void {
  if (isMainThread) readEnvFile()
  if (isDevelopment()) return
  process.removeAllListeners('warning')
  process.on('warning', warning => report('warn', warning.message, { err: errorFields(warning) }))
  globalThis.console = new Console({ stdout: linesOf('info'), stderr: linesOf('error') })
}

/** Reports an uncaught error. */
export function reportCrash(error: unknown): void {
  const fields = { event: 'sys_crash', err: errorFields(error) }
  report('fatal', 'latchkey crashed', fields, `latchkey crashed: ${inspect(error)}`)
}

/** Errors are reported when the configuration is loaded. */
function readEnvFile() {
  try {
    loadEnvFile('.env')
  } catch {}
}

function jsonLine(level: Level, msg: string, fields: Record<string, unknown>): string {
  const head = { level: LEVELS[level], time: Date.now(), pid: process.pid, hostname: hostname() }
  return `${withoutAddresses(JSON.stringify({ ...head, ...fields, msg }))}\n`
}

function errorFields(error: unknown) {
  if (!(error instanceof Error)) return { message: String(error) }
  const { name: type, message, stack } = error
  return { type, message, stack }
}

function linesOf(level: Level): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      report(level, String(chunk).trimEnd(), { part: 'console' })
      done()
    },
  })
}
