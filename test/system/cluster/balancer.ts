/** nginx with the configuration that deploy/nginx ships. */
import { readFileSync } from 'node:fs'
import type { Teardown } from '../../harness/database.ts'
import { freePort } from '../../harness/free-port.ts'
import { startNginx } from '../../harness/nginx.ts'

const shipped = (name: string) =>
  readFileSync(new URL(import.meta.resolve(`#root/deploy/nginx/${name}`)), 'utf8')

export interface Balancer {
  url: string
  /** The access log so far. */
  log(): { status: number; method: string; path: string; upstream: string }[]
  /** Its error log, for messages of failed tests. */
  errorOutput(): string
}

/**
 * Starts nginx; it ends with the test. nginx.conf is the shipped file, byte for byte; instances.conf has other
 * addresses, and server.conf also adds the name of the instance to responses.
 *
 * @param ports of the instances on 127.0.0.1, in the order of the shipped instances
 */
export async function startBalancer(t: Teardown, ports: readonly number[]): Promise<Balancer> {
  const port = await freePort()
  const { output, errorOutput } = await startNginx(t, port, {
    'nginx.conf': shipped('nginx.conf'),
    'server.conf': `listen 127.0.0.1:${port};\nadd_header x-upstream $upstream_addr always;\n`,
    'instances.conf': shipped('instances.conf')
      .replace(
        /^(server )latchkey-(\d):3000/gm,
        (_, server, number) => `${server}127.0.0.1:${ports[number - 1]}`,
      )
      .replace(/^.*:undefined.*$/gm, ''),
  })
  return {
    url: `http://127.0.0.1:${port}`,
    log: () =>
      output()
        .split('\n')
        .filter(line => line !== '')
        .map(line => JSON.parse(line)),
    errorOutput,
  }
}
