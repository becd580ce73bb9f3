// Fuzzed requests as bytes on real connections: chunked, truncated, with false lengths, in pieces, with bytes
// that no client library sends.
import fc, { type Arbitrary } from 'fast-check'
import { startApp } from '../harness/app.ts'
import { freshDatabase, type Teardown } from '../harness/database.ts'
import { onTheWire } from '../harness/raw-http.ts'
import { limitShrinking } from '../harness/shrink.ts'
import { faultsOf, faultsOfProblem } from './fuzz-contract.ts'
import { type Fuzzed, type FuzzOptions, failureOf } from './fuzz-options.ts'
import { type Request, requestsOf } from './fuzz-requests.ts'
import { filled, freshWorld, type World } from './fuzz-world.ts'

/** How a request is written to the socket. */
interface Written {
  request: Request
  /** A complete request gets a response of its operation; an incomplete one gets any error. */
  whole: boolean
  framing: 'length' | 'chunks' | 'lie'
  /** Sizes of the chunks. */
  sizes: number[]
  /** Error in the declared length. */
  lengthError: number
  strangeField: Uint8Array | undefined
  /** Share of the bytes after which the client stops sending. */
  sentShare: number | undefined
  flip: { at: number; byte: number } | undefined
  /** Share of the bytes that is sent in a separate packet. */
  split: number
}

const part = fc.double({ min: 0, max: 1, noNaN: true })
const whole: Arbitrary<Omit<Written, 'request'>> = fc.record({
  whole: fc.constant(true),
  framing: fc.constantFrom('length', 'chunks'),
  sizes: fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 }),
  lengthError: fc.constant(0),
  strangeField: fc.constant(undefined),
  sentShare: fc.constant(undefined),
  flip: fc.constant(undefined),
  split: part,
})
const broken: Arbitrary<Omit<Written, 'request'>> = fc.record({
  whole: fc.constant(false),
  framing: fc.constantFrom('length', 'chunks', 'lie'),
  sizes: fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 }),
  lengthError: fc.constantFrom(-1, 1, -20, 20, 1000),
  strangeField: fc.option(fc.uint8Array({ minLength: 1, maxLength: 30 }), { nil: undefined }),
  sentShare: fc.option(part, { nil: undefined }),
  flip: fc.option(fc.record({ at: part, byte: fc.nat(255) }), { nil: undefined }),
  split: part,
})
const written: Arbitrary<Written> = fc
  .tuple(requestsOf('clients'), fc.oneof(whole, broken))
  .map(([request, how]) => ({ request, ...how }))

function bytesOf(
  { request, framing, sizes, lengthError, strangeField, sentShare, flip }: Written,
  world: World,
): Buffer {
  const { method, url, headers, body } = request
  const payload = Buffer.from(filled(body ?? '', world))
  const fields = Object.entries({ host: 'localhost', ...headers, connection: 'close' })
    // The length is added below; `Expect: 100-continue` is tested elsewhere.
    .filter(([name]) => name !== 'content-length' && name !== 'expect')
    .map(([name, value]) => `${name}: ${filled(value, world)}`)
  const length = Math.max(0, payload.length + (framing === 'lie' ? lengthError : 0))
  fields.push(framing === 'chunks' ? 'transfer-encoding: chunked' : `content-length: ${length}`)
  const bytes = Buffer.concat([
    // Field values are bytes; see fuzz-requests.ts.
    Buffer.from(`${method} ${filled(url, world)} HTTP/1.1\r\n${fields.join('\r\n')}\r\n`, 'latin1'),
    ...(strangeField ? [Buffer.from('x-strange: '), strangeField, Buffer.from('\r\n')] : []),
    Buffer.from('\r\n'),
    framing === 'chunks' ? inChunks(payload, sizes) : payload,
  ])
  if (flip) bytes[Math.floor(flip.at * (bytes.length - 1))] = flip.byte
  return sentShare === undefined ? bytes : bytes.subarray(0, Math.floor(sentShare * bytes.length))
}

function inChunks(payload: Buffer, sizes: number[]): Buffer {
  const chunks: Buffer[] = []
  for (let at = 0, i = 0; at < payload.length; i++) {
    const chunk = payload.subarray(at, at + (sizes[i % sizes.length] as number))
    chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'))
    at += chunk.length
  }
  return Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')])
}

/** Opens `count` connections, some of them in parallel. */
export async function fuzzWire(t: Teardown, options: FuzzOptions): Promise<Fuzzed> {
  const { provider, seed, runs } = options
  const service = await startApp(t, {
    databaseUrl: await freshDatabase(t, provider),
    env: { LOG_LEVEL: 'warn', TRUST_PROXY: '127.0.0.1' },
  })
  const { app, log } = service
  const { exchange } = await onTheWire(app)
  const world = await freshWorld(service)
  const statuses = new Map<number, number>()

  async function send(one: Written) {
    const bytes = bytesOf(one, world)
    const middle = Math.floor(one.split * bytes.length)
    // A client that sent less than announced disconnects; otherwise the service would wait for 10 s.
    const { answers, closed } = await exchange([bytes.subarray(0, middle), bytes.subarray(middle)], {
      hangUp: !one.whole,
    })
    const what = `${one.request.method} ${one.request.url.slice(0, 80)}`
    if (!closed) throw new Error(`${what}: the connection is open`)
    if (one.whole && answers.length !== 1) throw new Error(`${what}: ${answers.length} answers`)
    for (const answer of answers) {
      statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1)
      const faults = one.whole
        ? faultsOf(one.request.operation, answer)
        : answer.statusCode >= 400
          ? faultsOfProblem(answer).filter(fault => !fault.endsWith('is not declared'))
          : []
      if (faults.length > 0) throw new Error(`${what}: ${faults.join('; ')}`)
    }
  }
  const sendAtOnce = async (all: Written[]) => void (await Promise.all(all.map(send)))
  const connections = fc.array(written, { minLength: 1, maxLength: 12, size: 'max' })
  const outcome = await fc.check(fc.asyncProperty(connections, limitShrinking(sendAtOnce)), {
    seed,
    numRuns: runs,
  })
  const missing = [200, 400].filter(status => !statuses.has(status)).map(String)
  return {
    sent: [...statuses.values()].reduce((sum, count) => sum + count, 0),
    said: `answers: ${JSON.stringify(Object.fromEntries([...statuses].sort()))}`,
    never: missing,
    errors: log.filter(line => Number(line['level']) >= 50),
    working: (await app.inject('/health/ready')).statusCode === 200,
    ...{ grown: 0, stall: 0, costliest: 0, wrong: [] },
    ...failureOf(outcome),
  }
}
