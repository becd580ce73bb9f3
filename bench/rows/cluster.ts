/**
 * What more instances add, behind the balancer that deploy/nginx ships: routes that hash nothing, on
 * PostgreSQL. Beside them, how much of the machine was busy: driver, balancer, instances and database
 * share its cores, and where all are used up another instance adds nothing.
 */
import { randomBytes } from 'node:crypto'
import { cpus } from 'node:os'
import { emptyDatabase, type Teardown } from '../../test/harness/database.ts'
import { emptyFolder } from '../../test/harness/process.ts'
import { startBalancer } from '../../test/system/cluster/balancer.ts'
import { drive, getAs, post, type Sample } from '../driver.ts'
import { alternate, type Measure, type Timing } from '../rounds.ts'
import { seed } from '../seed.ts'
import { startService } from '../service.ts'
import { median } from '../statistics.ts'
import { perSecond, type Row, share } from '../table.ts'

const INSTANCES = 3
const CONNECTIONS = 48
const ACCOUNTS = 1024

export async function clusterRows(t: Teardown, timing: Timing): Promise<Row[]> {
  const databaseUrl = await emptyDatabase(t, 'postgresql')
  const secret = randomBytes(48).toString('base64url')
  const { accounts } = await seed(databaseUrl, secret, ACCOUNTS)
  const ports: number[] = []
  while (ports.length < INSTANCES) {
    const { url } = await startService(t, { databaseUrl, secret, cwd: emptyFolder(t) })
    ports.push(Number(new URL(url).port))
  }
  const urls: string[] = []
  for (let count = 1; count <= INSTANCES; count++) {
    urls.push((await startBalancer(t, ports.slice(0, count))).url)
  }

  const busy = new Map<string, number[]>()
  const me = (connection: number) =>
    accounts
      .filter((_, index) => index % CONNECTIONS === connection)
      .map(({ accessToken }) => getAs(accessToken, '/me'))
  const check = (connection: number) =>
    accounts
      .filter((_, index) => index % CONNECTIONS === connection)
      .map(({ resetToken }) => post('/password-reset/check', { token: resetToken }))
  const contenders = Object.fromEntries(
    urls.flatMap((url, index) =>
      Object.entries({ me, check }).map(([name, requestsOf]) => {
        const key = `${name} ${index + 1}`
        const measure: Measure = async seconds => {
          const busyShare = measureMachine()
          const sample = await drive({ url, connections: CONNECTIONS, seconds, status: 200, requestsOf })
          busy.set(key, [...(busy.get(key) ?? []), busyShare()])
          return sample
        }
        return [key, measure]
      }),
    ),
  )
  const measured: Record<string, Sample> = await alternate(contenders, timing)

  const rows: Row[] = []
  for (const [name, what] of Object.entries({ me: 'GET /me', check: 'POST /password-reset/check' })) {
    const one = measured[`${name} 1`] as Sample
    for (let count = 1; count <= INSTANCES; count++) {
      const key = `${name} ${count}`
      const title = `${what} behind nginx, ${count} ${count === 1 ? 'instance' : 'instances'}`
      rows.push({
        what: title,
        ...perSecond(measured[key] as Sample, { ...one, name: 'one instance behind it' }),
      })
      rows.push({
        what: `the same, busy share of the machine`,
        figure: share(median(busy.get(key) ?? [])),
        baseline: { name: `all of its ${cpus().length} cores`, ...share(1) },
      })
    }
  }
  return rows
}

/** Starts to measure the whole machine; tells the share of all its cores that was not idle since then. */
function measureMachine(): () => number {
  const total = () => {
    const sum = { all: 0, idle: 0 }
    for (const { times } of cpus()) {
      sum.all += times.user + times.nice + times.sys + times.irq + times.idle
      sum.idle += times.idle
    }
    return sum
  }
  const before = total()
  return () => {
    const after = total()
    return 1 - (after.idle - before.idle) / (after.all - before.all)
  }
}
