/**
 * Requests made from openapi.json, valid and broken, against the whole service: every answer is one that
 * the document declares, nothing is a fault of the service, and nothing suffers from it.
 *
 * FUZZ_SEED replays a run, FUZZ_RUNS makes a long one: `FUZZ_RUNS=3000 node dist/test/adversarial/fuzz.test.js`.
 */
import { randomInt } from 'node:crypto'
import { isIP } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import type { InjectOptions } from 'fastify'
import t, { type Test } from 'tap'
import { canonicalEmail } from '../../src/accounts/email-address.ts'
import { EVENT_KINDS } from '../../src/database/events.ts'
import { startApp } from '../harness/app.ts'
import { provider } from '../harness/database.ts'
import { openRows, type Rows } from '../harness/rows.ts'
import { faultsOf, OPERATIONS, type Operation } from './fuzz-contract.ts'
import { type Damage, type Request, request } from './fuzz-requests.ts'
import { filled, freshWorld, type World } from './fuzz-world.ts'

/** The quick runs are the same each time, so that what makes them fail is a change; longer ones look further. */
const seed = Number(
  process.env['FUZZ_SEED'] ?? (process.env['FUZZ_RUNS'] === undefined ? 21 : randomInt(2 ** 31)),
)
const runs = process.env['FUZZ_RUNS'] ? Number(process.env['FUZZ_RUNS']) : undefined
/** Without FUZZ_RUNS: as many as the time allows. A run is some requests at once. */
const QUICK = { numRuns: 200, interruptAfterTimeLimit: 12_000 }
/** Most of a core's time that the requests of one run may take, in seconds; a pattern that explodes takes more. */
const CPU_BOUND = 2

/** Operations after whose success the account is not what it was. */
const SPENDING =
  /^(POST \/(logout|token\/refresh|confirm-email|password-reset\/confirm|password-change\/confirm|email-change\/confirm|account\/secure)|DELETE .*)$/

const nameOf = ({ method, path }: Operation) => `${method} ${path}`

function injected({ method, url, headers, body, damage }: Request, world: World): InjectOptions {
  const fields = Object.entries(headers).map(([name, value]) => [name, filled(value, world)])
  return {
    method: method as 'POST',
    url: filled(url, world),
    headers: Object.fromEntries(fields),
    ...(body !== undefined && { payload: damaged(Buffer.from(filled(body, world)), damage) }),
  }
}

function damaged(bytes: Buffer, damage: Damage | undefined): Buffer {
  if (damage === undefined) return bytes
  const at = Math.floor(damage.at * bytes.length)
  return Buffer.concat([bytes.subarray(0, at), damage.insert, bytes.subarray(at + damage.remove)])
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** What is held on to, in MiB. */
function held(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 2 ** 20
}

t.setTimeout(runs === undefined ? 110_000 : 0)

t.test('whatever is sent, the answer is one that the contract declares', async t => {
  t.setTimeout(runs === undefined ? 100_000 : 0)
  t.comment(`FUZZ_SEED=${seed}`)
  const house = await startApp(t, { env: { LOG_LEVEL: 'warn', TRUST_PROXY: '127.0.0.1' } })
  const { app, log } = house
  const rows = await openRows(t, house.databaseUrl)
  let world = await freshWorld(house)
  let spent = false
  let age = 0
  const reached = new Map<string, number>()
  const delay = monitorEventLoopDelay({ resolution: 10 })
  let before = 0
  let sent = 0
  let costliest = 0

  async function send(request: Request) {
    // After the first ones, all code is compiled and all caches are full.
    if (++sent === 100) before = held()
    const answer = await app.inject(injected(request, world))
    const { operation } = request
    const name = nameOf(operation)
    if (answer.statusCode < 300) {
      reached.set(name, (reached.get(name) ?? 0) + 1)
      spent ||= SPENDING.test(name)
    }
    const faults = faultsOf(operation, answer as never)
    if (faults.length > 0) throw new Error(`${name}: ${faults.join('; ')}`)
  }
  const atOnce = fc.array(request, { minLength: 1, maxLength: 12, size: 'max' })
  const property = fc.asyncProperty(atOnce, async requests => {
    // What is spent is worth sending, too.
    if (spent && ++age >= 3) {
      world = await freshWorld(house)
      spent = false
      age = 0
    }
    const start = process.cpuUsage()
    delay.enable()
    await Promise.all(requests.map(send))
    delay.disable()
    const { user, system } = process.cpuUsage(start)
    const cost = (user + system) / 1e6
    costliest = Math.max(costliest, cost)
    if (cost > CPU_BOUND) throw new Error(`${cost} s of a core`)
  })
  const outcome = await fc.check(property, { seed, ...(runs === undefined ? QUICK : { numRuns: runs }) })
  if (outcome.failed) {
    t.fail(`FUZZ_SEED=${seed} FUZZ_RUNS=${outcome.numRuns} replays it`, {
      requests: outcome.counterexample?.[0].map(request => ({ ...request, operation: undefined })),
      error: String(outcome.errorInstance),
    })
  }
  t.comment(`${sent} requests; succeeded: ${JSON.stringify(Object.fromEntries(reached))}`)
  t.ok(sent >= 50, 'enough of them')
  if (sent >= 3000) {
    const never = OPERATIONS.map(nameOf).filter(name => !reached.has(name))
    t.ok(never.length <= 4, 'the code behind the checks is reached', { never })
  }

  const grown = held() - before
  const stall = delay.max / 1e9
  t.comment(
    `grown by ${grown.toFixed(1)} MiB, longest stall ${stall.toFixed(2)} s, ${costliest.toFixed(2)} s of a core`,
  )
  t.ok(sent < 200 || grown < 64, 'the process does not grow', { grown })
  // Generous, for what a busy machine does to a process; the bound on its own work is tight.
  t.ok(stall < 10, 'nor stall', { stall })
  await rows.settled()
  t.strictSame(
    log.filter(line => Number(line['level']) >= 50),
    [],
    'nothing is logged as an error',
  )
  await isValid(t, rows)
  t.equal((await app.inject('/health/ready')).statusCode, 200)
  const { email, password } = await freshWorld(house)
  const login = await app.inject({ method: 'POST', url: '/login', payload: { email, password } })
  t.equal(login.statusCode, 200, 'the service still works')
})

const UUID = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/

/** Every row is one that the service could have meant to write. */
async function isValid(t: Test, { client, dump }: Rows) {
  if (provider === 'sqlite') {
    t.match(await client.$queryRawUnsafe('PRAGMA integrity_check'), [{ integrity_check: 'ok' }])
    t.strictSame(await client.$queryRawUnsafe('PRAGMA foreign_key_check'), [])
  }
  const { users, registrations, sessions, outbox } = await dump()
  const events = await client.event.findMany()
  const origins: Record<string, unknown>[] = [...sessions, ...outbox, ...events].map(row => ({ ...row }))
  const wrong: unknown[] = []
  const expect = (right: boolean, what: unknown) => void (right || wrong.push(what))
  for (const row of [...users, ...registrations] as {
    email: string
    passwordHash: string
    locale: string | null
  }[]) {
    expect(canonicalEmail(row.email) === row.email, row)
    expect(/^(\$argon2id\$|!|\*)/.test(row.passwordHash) || row.passwordHash.length > 0, row)
    expect((row.locale ?? 'en').length <= 35 && !/[^\w-]/.test(row.locale ?? ''), row)
  }
  for (const { id, ip, device } of origins) {
    expect(UUID.test(String(id)), { id })
    expect(ip === null || (isIP(String(ip)) > 0 && String(ip).length <= 45), { ip })
    expect(device === null || /^[\x20-\x7e]{1,128}$/.test(String(device)), { device })
  }
  for (const { recipient, state } of outbox as { recipient: string; state: string }[]) {
    expect(canonicalEmail(recipient) === recipient, { recipient })
    expect(['sent', 'dropped'].includes(state), { state })
  }
  for (const { kind } of events) expect((EVENT_KINDS as readonly string[]).includes(kind), { kind })
  t.ok(users.length > 0 && outbox.length > 0 && events.length > 0, 'there are rows')
  t.strictSame(wrong, [], 'all rows are valid')
}
