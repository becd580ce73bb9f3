/** nginx with the configuration that deploy/nginx ships. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Teardown } from '../../harness/database.ts'
import { freePort } from '../../harness/free-port.ts'
import { emptyFolder } from '../../harness/process.ts'
import { until } from '../../harness/until.ts'

/** Debian keeps it out of the PATH of everybody but root. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`

/** Why tests behind a load balancer are left out, or false; for tap's `skip`. */
export const noBalancer =
  spawnSync('nginx', ['-v'], { env: { PATH } }).status === 0 ? false : 'nginx is not installed'

if (noBalancer && process.env['TEST_REQUIRE_ALL']) {
  throw new Error(`${noBalancer}: with TEST_REQUIRE_ALL set, it must be`)
}

const shipped = (name: string) =>
  fileURLToPath(new URL(`deploy/nginx/${name}`, import.meta.resolve('#root/package.json')))

export interface Balancer {
  url: string
  /** The access log so far. */
  log(): { status: number; method: string; path: string; upstream: string }[]
  /** What it complained about, for messages of failed tests. */
  complaints(): string
}

/**
 * Starts nginx; it ends with the test. nginx.conf is the shipped one, byte for byte; of instances.conf the
 * addresses are others, and server.conf also names the instance that answered.
 *
 * @param ports where the instances listen on 127.0.0.1, in the order of the shipped instances
 */
export async function startBalancer(t: Teardown, ports: readonly number[]): Promise<Balancer> {
  const folder = emptyFolder(t)
  const port = await freePort()
  copyFileSync(shipped('nginx.conf'), join(folder, 'nginx.conf'))
  writeFileSync(
    join(folder, 'server.conf'),
    `listen 127.0.0.1:${port};\nadd_header x-upstream $upstream_addr always;\n`,
  )
  const instances = readFileSync(shipped('instances.conf'), 'utf8')
    .replace(
      /^(server )latchkey-(\d):3000/gm,
      (_, server, number) => `${server}127.0.0.1:${ports[number - 1]}`,
    )
    .replace(/^.*:undefined.*$/gm, '')
  writeFileSync(join(folder, 'instances.conf'), instances)

  const [access, errors] = ['access.log', 'errors.log'].map(name => join(folder, name)) as [string, string]
  const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], {
    env: { PATH },
    // Files, since nginx opens /dev/stdout by its name, which a pipe of Node's has not.
    stdio: ['ignore', openSync(access, 'a'), openSync(errors, 'a')],
  })
  t.teardown(() => ended(child))
  const complaints = () => readFileSync(errors, 'utf8')
  await until('nginx listens', () => {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}:\n${complaints()}`)
    return answers(port)
  })
  return {
    url: `http://127.0.0.1:${port}`,
    log: () =>
      readFileSync(access, 'utf8')
        .split('\n')
        .filter(line => line !== '')
        .map(line => JSON.parse(line)),
    complaints,
  }
}

/** SIGTERM, which its workers heed as well; SIGKILL would leave them. */
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
