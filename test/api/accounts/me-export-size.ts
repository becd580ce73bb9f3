/** An account with a long history, and the cost of its export for the process. */
import { get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Test } from 'tap'
import type { Provider } from '../../../src/database/index.ts'
import { bearer, confirmedAccount, startApp } from '../../harness/app.ts'
import type { Rows } from '../../harness/rows.ts'

/** Rows per statement; PostgreSQL has a timeout of 5 s. */
const BATCH = 20_000

const numbers = {
  sqlite: (from: number, to: number) =>
    `(WITH RECURSIVE numbers (n) AS (SELECT ${from} UNION ALL SELECT n + 1 FROM numbers WHERE n < ${to}) SELECT n FROM numbers)`,
  postgresql: (from: number, to: number) => `(SELECT n FROM generate_series(${from}, ${to}) AS n)`,
}
const padded = { sqlite: `printf('%012d', n)`, postgresql: `lpad(n::text, 12, '0')` }

/** Adds events to the history of an account, with ids that sort before all others. */
async function addHistory({ client }: Rows, provider: Provider, userId: string, count: number) {
  for (let from = 1; from <= count; from += BATCH) {
    await client.$executeRawUnsafe(`INSERT INTO events (id, user_id, kind, at, ip, device, request_id)
      SELECT '00000000-0000-7000-8000-' || ${padded[provider]}, '${userId}', 'log_in_refused',
        '2026-01-31T09:30:00.000+00:00', '192.0.2.7', 'Firefox on Linux', '01936f3e-8a76-7000-8d6d-40c6c8f8ad2f'
      FROM ${numbers[provider](from, Math.min(from + BATCH - 1, count))} AS numbered`)
  }
}

const MIB = 2 ** 20
/** Bytes per event between two measurements of memory: about ten measurements per export. */
const BYTES_BETWEEN_MEASUREMENTS = 20

setFlagsFromString('--expose-gc')
/** Full collections. `gc` exists only in contexts created after the flag was set. */
const collectGarbage: () => void = runInNewContext('gc')

/** Exports a history of `events` events. Asserts bounds on memory and on turns of the event loop. */
export async function exportLongHistory(t: Test, count: number) {
  const service = await startApp(t)
  const { app, rows } = service
  const { email, accessToken } = await confirmedAccount(service)
  const { id } = await rows.client.user.findUniqueOrThrow({ where: { email } })
  await addHistory(rows, app.database.provider, id, count)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo

  const before = liveBytes()
  const turns = watchTurns()
  t.teardown(turns.stop)
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    get({ port, path: '/me/export', headers: bearer(accessToken) }, resolve).on('error', reject),
  )
  let [begin, end, bytes, events, heldBytes, nextLook] = ['', '', 0, 0, 0, 0]
  for await (const chunk of response.setEncoding('latin1')) {
    begin = (begin + chunk).slice(0, 2000)
    end = (end + chunk).slice(-2000)
    bytes += chunk.length
    events += chunk.split('"log_in_refused"').length - 1
    if (bytes >= nextLook) {
      heldBytes = Math.max(heldBytes, liveBytes() - before)
      nextLook = bytes + count * BYTES_BETWEEN_MEASUREMENTS
      turns.startAnew()
    }
  }
  const longestTurnMs = turns.stop()
  t.comment(
    `${bytes} bytes, ${(heldBytes / MIB).toFixed(1)} MiB held at most, turns of ${Math.round(longestTurnMs)} ms`,
  )
  t.equal(response.statusCode, 200)
  t.ok(response.complete, 'the response is complete')
  t.equal(events, count, 'every event once')
  t.match(
    begin,
    /^\{"exportedAt":.*"sessions":\[\{.*\}\],.*"events":\[\{"id":"00000000-0000-7000-8000-000000000001"/,
  )
  t.match(end, /"kind":"exported",[^[]*\}\],"mails":\[\{[^[]*\}\]\}$/)
  t.ok(heldBytes < 8 * MIB, `${heldBytes} bytes of memory held`)
  t.ok(longestTurnMs < 200, `${longestTurnMs} ms of processor time at once`)
}

/**
 * Collects garbage, then counts what is still referenced. Uncollected garbage is no measure of an export: V8 lets it
 * grow with the size of the heap, so the same export has shown 5 MiB on SQLite and 76 MiB on PostgreSQL.
 */
function liveBytes() {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Measures turns of the event loop by processor time, because other processes use the machine too. */
function watchTurns() {
  let [longestTurnMs, stopped] = [0, false]
  let last = process.cpuUsage()
  function measure() {
    const { user, system } = process.cpuUsage(last)
    last = process.cpuUsage()
    longestTurnMs = Math.max(longestTurnMs, (user + system) / 1000)
    if (!stopped) setTimeout(measure)
  }
  measure()
  return {
    /** Excludes the cost of the turn so far: the test's collections are not the service's. */
    startAnew() {
      last = process.cpuUsage()
    },
    stop() {
      stopped = true
      return longestTurnMs
    },
  }
}
