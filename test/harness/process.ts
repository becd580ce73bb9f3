// The service as a separate process, for signals, exit codes and crashes.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { testEnvironment } from './app.ts'
import type { Teardown } from './database.ts'

/** Flags of `npm start` and of the image; unit/deploy/dockerfile compares them. */
const FLAGS = ['--enable-source-maps', '--max-semi-space-size=4']
const SERVER = fileURLToPath(new URL('../../bin/start.cjs', import.meta.url))

export interface ProcessOptions {
  /** The whole environment except PATH; see `serviceEnvironment`. */
  env: Record<string, string>
  /** Working directory; by default an empty one, without `.env`. */
  cwd?: string
  /** A wrapper, such as `['taskset', '-c', '0']`. */
  through?: string[]
  /** The script and its arguments; by default what `npm start` runs. */
  script?: string[]
}

export interface ServiceProcess {
  child: ChildProcess
  stdout(): string
  stderr(): string
  /** Parsed JSON lines of standard output. */
  log(): Record<string, unknown>[]
  /**
   * Waits for the banner.
   *
   * @returns the address of the service, such as `http://127.0.0.1:49152`
   * @throws Error with the output if the process ends first
   */
  listening(): Promise<string>
  /** Waits for the end. Returns the exit code or signal. */
  ended(): Promise<number | NodeJS.Signals>
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>
}

/** Environment of a process on a free port. */
export function serviceEnvironment(env: Record<string, string>): Record<string, string> {
  const local = { PORT: '0', APP_URL: 'http://localhost', MAIL_BACKEND: 'console', LOG_LEVEL: 'info' }
  return { ...testEnvironment, ...local, ...env }
}

/** Starts the service as `npm start` does. It is killed when the test ends. */
export function startProcess(
  t: Teardown,
  { env, cwd = emptyFolder(t), through = [], script = [SERVER] }: ProcessOptions,
): ServiceProcess {
  const [command = '', ...rest] = [...through, process.execPath, ...FLAGS, ...script]
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
  // Unlike `exit`, `close` comes after all output.
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const ended = async () => {
    const [code, signal] = await closed
    return code ?? (signal as NodeJS.Signals)
  }
  t.teardown(async () => {
    child.kill('SIGKILL')
    await closed
  })

  // From the banner, or from the log line in production. As an IP address, so that no test measures name
  // resolution.
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

/** Includes the process in `npm run coverage`. */
function coverage(): Record<string, string> {
  const folder = process.env['NODE_V8_COVERAGE']
  return folder === undefined ? {} : { NODE_V8_COVERAGE: folder }
}

export function emptyFolder(t: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-process-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
