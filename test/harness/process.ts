/** The service as a process of its own, for what only a real process shows: signals, exit codes, crashes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { testEnvironment } from './app.ts'
import type { Teardown } from './database.ts'

/** The flags of `npm start` and of the image; unit/deploy/dockerfile holds the two together. */
const FLAGS = ['--enable-source-maps', '--max-semi-space-size=4']
const SERVER = fileURLToPath(new URL('../../src/start.cjs', import.meta.url))

export interface ProcessOptions {
  /** The whole environment besides PATH; see `serviceEnvironment`. */
  env: Record<string, string>
  /** Working directory; an empty one by default, so that no `.env` is read. */
  cwd?: string
  /** A command that becomes the process, such as `['taskset', '-c', '0']`. */
  through?: string[]
}

/** A process of the service, whether or not it came up. */
export interface ServiceProcess {
  child: ChildProcess
  /** Everything so far. */
  stdout(): string
  stderr(): string
  /** Log lines so far, parsed: the lines of standard output that are JSON. */
  log(): Record<string, unknown>[]
  /**
   * Waits for the banner.
   *
   * @returns the service's address, such as `http://127.0.0.1:49152`
   * @throws Error when the process ends first, with what it wrote
   */
  listening(): Promise<string>
  /** Waits until the process has ended: its exit code, or the signal that ended it. */
  ended(): Promise<number | NodeJS.Signals>
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>
}

/** The tests' environment for a process on a free port. */
export function serviceEnvironment(env: Record<string, string>): Record<string, string> {
  const local = { PORT: '0', APP_URL: 'http://localhost', MAIL_BACKEND: 'console', LOG_LEVEL: 'info' }
  return { ...testEnvironment, ...local, ...env }
}

/** Starts the service as `npm start` does; it is killed when the test ends. */
export function startProcess(
  t: Teardown,
  { env, cwd = emptyFolder(t), through = [] }: ProcessOptions,
): ServiceProcess {
  const [command = '', ...rest] = [...through, process.execPath, ...FLAGS, SERVER]
  const child = spawn(command, rest, {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', ...coverage(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const written = { stdout: '', stderr: '' }
  const lines: string[] = []
  child.stdout.on('data', chunk => {
    written.stdout += chunk
  })
  child.stderr.on('data', chunk => {
    written.stderr += chunk
  })
  const reader = createInterface({ input: child.stdout })
  reader.on('line', line => lines.push(line))
  // `close` comes when the output is complete, unlike `exit`.
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const ended = async () => {
    const [code, signal] = await closed
    return code ?? (signal as NodeJS.Signals)
  }
  t.teardown(async () => {
    child.kill('SIGKILL')
    await closed
  })

  /**
   * From the banner, or from the line that takes its place in production. By number, so that no test measures how a
   * name is looked up.
   */
  const addressIn = (line: string) =>
    (/^ {2}listening on +(http\S+)/.exec(line) ??
      /"event":"sys_startup","url":"(http[^"]+)"/.exec(line))?.[1]?.replace('localhost', '127.0.0.1')

  async function listening(): Promise<string> {
    const banner = new Promise<string>(resolve => {
      const look = (line: string) => {
        const address = addressIn(line)
        if (address !== undefined) resolve(address)
      }
      lines.forEach(look)
      reader.on('line', look)
    })
    const early = closed.then(([code]) => {
      throw new Error(`the service ended with ${code}:\n${written.stdout}${written.stderr}`)
    })
    return Promise.race([banner, early])
  }

  return {
    child,
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    log: () => lines.filter(line => line.startsWith('{')).map(line => JSON.parse(line)),
    listening,
    ended,
    end(signal) {
      child.kill(signal)
      return ended()
    },
  }
}

/** Lets `npm run coverage` see what a process of the service runs. */
function coverage(): Record<string, string> {
  const folder = process.env['NODE_V8_COVERAGE']
  return folder === undefined ? {} : { NODE_V8_COVERAGE: folder }
}

/** An empty folder that goes with the test. */
export function emptyFolder(t: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-process-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
