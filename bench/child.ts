/** Processes of the bench: started, awaited, and killed at its end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Teardown } from '../test/harness/database.ts'
import { type Memory, memoryOf } from './memory.ts'
import { send } from './paced.ts'

/** A process that serves HTTP. */
export interface Server {
  url: string
  pid: number | undefined
  /** Milliseconds from the start of the process to its first good answer. */
  startedInMs: number
  /** Undefined where the operating system does not tell. */
  memory(): Memory | undefined
  kill(): Promise<void>
}

/** How to start one. */
export interface ServerOptions {
  /** Compiled module, relative to this one. */
  module: string
  /** Options of Node. */
  nodeOptions?: string[]
  /** The whole environment besides PATH and PORT. */
  env: Record<string, string>
  cwd: string
  /** Answers 200 once the server is ready. */
  readyPath: string
}

const LONGEST_START_MS = 30_000

/** Starts a server on a free port of the loopback interface and waits until it is ready. */
export async function startServer(t: Teardown, options: ServerOptions): Promise<Server> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const began = performance.now()
  const child = spawn(
    process.execPath,
    [...(options.nodeOptions ?? []), fileURLToPath(new URL(options.module, import.meta.url))],
    {
      cwd: options.cwd,
      env: { PATH: process.env['PATH'] ?? '', PORT: String(port), ...options.env },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  const kill = () => end(child)
  t.teardown(kill)
  while (!(await answers(url + options.readyPath))) {
    if (child.exitCode !== null) throw new Error(`${options.module} ended with ${child.exitCode}`)
    if (performance.now() - began > LONGEST_START_MS) throw new Error(`${options.module} does not answer`)
    await delay(5)
  }
  const startedInMs = performance.now() - began
  return { url, pid: child.pid, startedInMs, memory: () => memoryOf(child.pid), kill }
}

/** Kills a process and waits for its end. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}

async function answers(url: string): Promise<boolean> {
  const { origin, pathname } = new URL(url)
  return send(origin, { method: 'GET', path: pathname }).then(
    ({ status }) => status === 200,
    () => false,
  )
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
