// nginx in front of the service.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Teardown } from './database.ts'
import { emptyFolder } from './process.ts'
import { until } from './until.ts'

/** Debian installs it outside of the PATH of normal users. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`

/** Reason to skip tests behind nginx, or false. */
export const noNginx =
  spawnSync('nginx', ['-v'], { env: { PATH } }).status === 0 ? false : 'nginx is not installed'

if (noNginx && process.env['TEST_REQUIRE_ALL']) {
  throw new Error(`${noNginx}: with TEST_REQUIRE_ALL set, it must be`)
}

export interface Nginx {
  output(): string
  /** Error output, for messages of failed tests. */
  errorOutput(): string
}

/**
 * Starts nginx.
 *
 * @param port on 127.0.0.1
 * @param files configuration by name; `nginx.conf` includes the others
 */
export async function startNginx(t: Teardown, port: number, files: Record<string, string>): Promise<Nginx> {
  const folder = emptyFolder(t)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const [access, errors] = ['access.log', 'errors.log'].map(name => join(folder, name)) as [string, string]
  const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], {
    env: { PATH },
    // Files, because nginx opens /dev/stdout by name, which fails for Node's pipes.
    stdio: ['ignore', openSync(access, 'a'), openSync(errors, 'a')],
  })
  t.teardown(() => ended(child))
  const errorOutput = () => readFileSync(errors, 'utf8')
  await until('nginx listens', () => {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}:\n${errorOutput()}`)
    return answers(port)
  })
  return { output: () => readFileSync(access, 'utf8'), errorOutput }
}

/** SIGTERM also ends the workers; SIGKILL would leave them. */
async function ended(child: ChildProcess) {
  if (child.exitCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
