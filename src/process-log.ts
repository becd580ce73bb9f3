/**
 * What the process writes besides its log: failures at the start, warnings of Node, whatever a library prints. In
 * production all of it is JSON lines of the same form, so that a log collector meets nothing else.
 */
import { Console } from 'node:console'
import { hostname } from 'node:os'
import { Writable } from 'node:stream'
import { inspect } from 'node:util'
import { isMainThread } from 'node:worker_threads'
import { loadEnvFile } from './config/env-file.ts'
import { withoutAddresses } from './shared/log-scrub.ts'

/** pino's numbers. */
const LEVELS = { info: 30, warn: 40, error: 50, fatal: 60 } as const
type Level = keyof typeof LEVELS

/** A mistyped NODE_ENV is no development: what reads the output then is a log collector. */
const isForPeople = () => /^\s*(development|test)?\s*$/.test(process.env['NODE_ENV'] ?? '')

/**
 * Writes one message: a JSON line in production, text for people elsewhere. Failures go to standard error.
 *
 * @param text what people read, where it is longer than the message
 */
export function report(level: Level, message: string, fields: Record<string, unknown> = {}, text = message) {
  const stream = level === 'info' ? process.stdout : process.stderr
  stream.write(isForPeople() ? `${text}\n` : jsonLine(level, message, fields))
}

/**
 * Makes JSON lines of everything that is written past the log, in production. To be called first in each thread, before
 * modules are loaded that may write something. Elsewhere it changes nothing.
 */
export function structureOutput(): void {
  if (isMainThread) readEnvFile()
  if (isForPeople()) return
  // Node's own listener prints text.
  process.removeAllListeners('warning')
  process.on('warning', warning => report('warn', warning.message, { err: errorFields(warning) }))
  globalThis.console = new Console({ stdout: linesOf('info'), stderr: linesOf('error') })
}

/** Reports an error that nobody caught. */
export function reportCrash(error: unknown): void {
  const fields = { event: 'sys_crash', err: errorFields(error) }
  report('fatal', 'latchkey crashed', fields, `latchkey crashed: ${inspect(error)}`)
}

/** What cannot be read is reported when the configuration is loaded. */
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

/** A stream for a console: a line for each call. */
function linesOf(level: Level): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      report(level, String(chunk).trimEnd(), { part: 'console' })
      done()
    },
  })
}
