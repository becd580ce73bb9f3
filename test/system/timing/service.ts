/** The service as a separate process with people in its database, and the tools to time it. */
import { createInterface } from 'node:readline'
import type { Provider } from '../../../src/database/index.ts'
import { migrate } from '../../../src/database/migrations.ts'
import { emptyDatabase, type Teardown } from '../../harness/database.ts'
import { freePort } from '../../harness/free-port.ts'
import { serviceEnvironment, startProcess } from '../../harness/process.ts'
import { openRows } from '../../harness/rows.ts'
import { startMailSink } from './mail-sink.ts'
import { type Cost, makePeople } from './people.ts'
import { bytesOf, newTimedClient, type TimedClient } from './timed-client.ts'

export interface Service {
  provider: Provider
  timedClient: TimedClient
  /** A network that no request has come from, whose address has the same length as every other. */
  network(): string
  /**
   * Waits until the work that a request caused is done, so that it does not delay the next one.
   *
   * @param mails number of emails that it has queued
   * @returns milliseconds of a few unrelated requests right after it
   */
  untilIdle(mails: number): Promise<number>
}

export interface ServiceOptions {
  provider: Provider
  /** Number of people in each state. */
  people: number
  cost: Cost
  mailServer?: 'up' | 'down'
}

/** Only a failing test waits this long; milliseconds. */
const MAX_WAIT = 60_000
const PING = bytesOf('/health/live', undefined, '10.0.0.1', undefined)
const PINGS = 3

/** Starts the service with all limits on: each request comes from another network, named as a proxy would. */
export async function startService(t: Teardown, options: ServiceOptions): Promise<Service> {
  const { provider, people, cost, mailServer = 'up' } = options
  const databaseUrl = await emptyDatabase(t, provider)
  await migrate(databaseUrl)
  await preparing(databaseUrl, people, cost)
  const service = startProcess(t, {
    env: serviceEnvironment({
      DATABASE_URL: databaseUrl,
      RATE_LIMIT: 'on',
      TRUST_PROXY: '127.0.0.1',
      ARGON2_MEMORY_KIB: String(cost.memory),
      ARGON2_TIME_COST: String(cost.time),
      MAIL_BACKEND: 'smtp',
      MAIL_SERVER: '127.0.0.1',
      MAIL_PORT: String(mailServer === 'up' ? await startMailSink(t) : await freePort()),
      // The outcome of each email is logged at this level, and nothing about the timed requests.
      LOG_LEVEL: 'debug',
    }),
  })
  let networks = 0
  let oneEnded = () => {}
  let filed = 0
  let ended = 0
  if (service.child.stdout === null) throw new Error('the service has no standard output')
  createInterface({ input: service.child.stdout }).on('line', line => {
    if (!line.includes('"part":"outbox"') || !line.includes('"attempts":1,')) return
    ended++
    oneEnded()
  })
  const timedClient = await newTimedClient(t, await service.listening())

  const allEnded = () =>
    new Promise<void>((resolve, reject) => {
      const overdue = () => reject(new Error(`${filed} mails were filed, ${ended} came to an end`))
      const timer = setTimeout(overdue, MAX_WAIT)
      oneEnded = () => {
        if (ended < filed) return
        clearTimeout(timer)
        resolve()
      }
      oneEnded()
    })

  return {
    provider,
    timedClient,
    network() {
      const number = networks++
      return `10.${[22_500, 150, 1].map(place => 100 + (Math.floor(number / place) % 150)).join('.')}`
    },
    async untilIdle(mails) {
      filed += mails
      let rightAfter = 0
      for (let ping = 0; ping < PINGS; ping++) rightAfter += (await timedClient.ask(PING)).ms
      await allEnded()
      // The worker's remaining work for an email, after it has logged the outcome, is done when this has a response.
      if (mails > 0) await timedClient.ask(PING)
      return rightAfter
    },
  }
}

/** Before the service starts, because SQLite allows one process per file. */
async function preparing(databaseUrl: string, people: number, cost: Cost) {
  const teardowns: (() => unknown)[] = []
  const rows = await openRows({ teardown: handler => teardowns.push(handler) }, databaseUrl)
  try {
    await makePeople(rows.client, people, cost)
  } finally {
    for (const handler of teardowns) await handler()
  }
}
