/**
 * Closed-loop load by autocannon: each connection asks again when it is answered. Rates come from here;
 * what must be paced is in paced.ts.
 */
import autocannon, { type Request } from 'autocannon'
import { measureDriver } from './driver-cpu.ts'
import { percentile } from './statistics.ts'

/** A load on one route. */
export interface Load {
  /** Origin, such as `http://127.0.0.1:3000`. */
  url: string
  connections: number
  seconds: number
  /** The only status that is right; any other answer ends the bench. */
  status: number
  /** The requests of one connection, sent in turn and from the start again. */
  requestsOf(connection: number): Request[]
}

/** What one round of one load measured. */
export interface Sample {
  /** Answers per second. */
  rate: number
  /** Milliseconds; undefined where nothing was asked over HTTP. */
  p99?: number
  /** CPU time of the driver, as a share of one core. */
  driver?: number
}

/** Answers that come slower than this are errors; seconds. */
const TIMEOUT = 30

/**
 * Puts a load on a server for its time.
 *
 * @throws Error for any answer of another status, and for connections that break
 */
export async function drive(load: Load): Promise<Sample> {
  const times: number[] = []
  const wrong = new Map<number, number>()
  let clients = 0
  const driverShare = measureDriver()
  const began = performance.now()
  const run = autocannon({
    url: load.url,
    connections: load.connections,
    duration: load.seconds,
    sampleInt: 50,
    timeout: TIMEOUT,
    setupClient: client => client.setRequests(load.requestsOf(clients++)),
  })
  run.on('response', (_client: unknown, status: string | number, _bytes: number, ms: number) => {
    if (Number(status) !== load.status) wrong.set(Number(status), (wrong.get(Number(status)) ?? 0) + 1)
    else if (performance.now() - began <= load.seconds * 1000) times.push(ms)
  })
  const { errors } = await run
  const driver = driverShare()
  if (wrong.size > 0 || errors > 0 || times.length === 0) {
    const path = load.requestsOf(0)[0]?.path
    throw new Error(
      `${path}: expected ${load.status}, got ${JSON.stringify([...wrong])}, ${errors} broken connections, ` +
        `${times.length} right answers`,
    )
  }
  return {
    rate: times.length / load.seconds,
    p99: percentile(times, 99),
    driver,
  }
}

/** A POST with a JSON body. */
export function post(path: string, body: object): Request {
  return { method: 'POST', path, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

/** A GET by the bearer of an access token. */
export function getAs(accessToken: string, path: string): Request {
  return { method: 'GET', path, headers: { authorization: `Bearer ${accessToken}` } }
}

/** A POST with a form body, by the bearer of a token or key. */
export function postFormAs(bearer: string, path: string, body: Record<string, string>): Request {
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    authorization: `Bearer ${bearer}`,
  }
  return { method: 'POST', path, headers, body: new URLSearchParams(body).toString() }
}
