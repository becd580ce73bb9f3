// Several processes of the service on one database and one Redis, behind a real load balancer.
import { freshDatabase, provider, type Teardown } from '../../harness/database.ts'
import { freePort } from '../../harness/free-port.ts'
import { noNginx } from '../../harness/nginx.ts'
import { type ServiceProcess, serviceEnvironment, startProcess } from '../../harness/process.ts'
import { openRows, type Rows } from '../../harness/rows.ts'
import { type SmtpServer, startSmtpServer } from '../../harness/smtp.ts'
import { until } from '../../harness/until.ts'
import { type Balancer, startBalancer } from './balancer.ts'

const redis = process.env['TEST_REDIS_URL'] || undefined
if (redis === undefined && process.env['TEST_REQUIRE_ALL']) {
  throw new Error('with TEST_REQUIRE_ALL set, TEST_REDIS_URL must be')
}

/** Reason to skip tests of a cluster, or false; for tap's `skip`. */
export const noCluster =
  provider === 'sqlite'
    ? 'TEST_POSTGRES_URL is not set'
    : redis === undefined
      ? 'TEST_REDIS_URL is not set'
      : noNginx

/** One process, which may be replaced by another on the same port. */
export interface Instance {
  /** Name in the balancer's configuration, such as `127.0.0.1:21234`. */
  address: string
  /** The current process, or the last one. */
  service: ServiceProcess
  /** Starts a new process in place of one that has ended, and waits until it is ready. */
  replace(): Promise<void>
}

export interface Cluster {
  balancer: Balancer
  instances: Instance[]
  smtp: SmtpServer
  databaseUrl: string
  rows: Rows
}

export interface ClusterOptions {
  env?: Record<string, string>
  count?: number
}

/** Starts a cluster; all of it ends with the test. */
export async function startCluster(
  t: Teardown,
  { env = {}, count = 3 }: ClusterOptions = {},
): Promise<Cluster> {
  const smtp = await startSmtpServer(t)
  const databaseUrl = await freshDatabase(t)
  const common = {
    // The shared test server allows few connections.
    DATABASE_URL: `${databaseUrl}?connection_limit=5`,
    REDIS_URL: redis ?? '',
    TRUST_PROXY: '127.0.0.1',
    RATE_LIMIT: 'on',
    LOG_LEVEL: 'debug',
    MAIL_BACKEND: 'smtp',
    MAIL_SERVER: smtp.host,
    MAIL_PORT: String(smtp.port),
    ...env,
  }
  const ports: number[] = []
  while (ports.length < count) ports.push(await freePort())
  const instances = ports.map((port): Instance => {
    const start = () => startProcess(t, { env: serviceEnvironment({ ...common, PORT: String(port) }) })
    const instance = {
      address: `127.0.0.1:${port}`,
      service: start(),
      async replace() {
        instance.service = start()
        await ready(instance)
      },
    }
    return instance
  })
  await Promise.all(instances.map(ready))
  const balancer = await startBalancer(t, ports)
  return { balancer, instances, smtp, databaseUrl, rows: await openRows(t, databaseUrl) }
}

/** Waits until an instance reports that it is ready. */
export async function ready({ service }: Pick<Instance, 'service'>): Promise<void> {
  const url = await service.listening()
  const isReady = async () => (await fetch(`${url}/health/ready`, { headers: { connection: 'close' } })).ok
  await until(`${url} is ready`, isReady)
}
