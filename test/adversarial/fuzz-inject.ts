// Sends fuzzed requests without a socket, and checks the service afterwards.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import type { InjectOptions } from 'fastify'
import { startApp } from '../harness/app.ts'
import { freshDatabase, type Teardown } from '../harness/database.ts'
import { startOperators } from '../harness/operators.ts'
import { openRows } from '../harness/rows.ts'
import { limitShrinking } from '../harness/shrink.ts'
import { faultsOf, OPERATIONS, type Operation } from './fuzz-contract.ts'
import { CPU_BOUND, type Fuzzed, type FuzzOptions, failureOf } from './fuzz-options.ts'
import { type Damage, type Request, requestsOf } from './fuzz-requests.ts'
import { faultyRows } from './fuzz-rows.ts'
import { filled, freshWorld, operatorsWorld, type World } from './fuzz-world.ts'

/** Requests before memory is measured, so that all code is compiled and all caches are full. */
const WARM = 400

/** Operations that change the account or revoke the key. */
const SPENDING =
  /^(POST \/(logout|token\/refresh|confirm-email|password-reset\/confirm|password-change\/confirm|email-change\/confirm|account\/secure|users\/\{id\}\/(disable|require-reset))|DELETE .*)$/

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

/** Upper bound on collections until memory stops shrinking. */
const COLLECTIONS = 8

/** Retained memory in MiB. Objects released by finalizers are only found in a later turn. */
async function held(): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let collection = 0; collection < COLLECTIONS; collection++) {
    collectGarbage()
    const { heapUsed, external } = process.memoryUsage()
    least = Math.min(least, (heapUsed + external) / 2 ** 20)
    await new Promise(setImmediate)
  }
  return least
}

/** Sends `count` requests, some of them in parallel. */
export async function fuzzInject(t: Teardown, options: FuzzOptions): Promise<Fuzzed> {
  const { provider, audience, seed, runs } = options
  const service = await startApp(t, {
    databaseUrl: await freshDatabase(t, provider),
    env: { LOG_LEVEL: 'warn', TRUST_PROXY: '127.0.0.1' },
  })
  const { log, smtp } = service
  const rows = await openRows(t, service.databaseUrl)
  const operators = audience === 'operators' ? await startOperators(t, service) : undefined
  const { app } = operators ?? service
  const newWorld = () => (operators ? operatorsWorld(service, operators) : freshWorld(service))
  let world = await newWorld()
  let spent = false
  let age = 0
  const reached = new Map<string, number>()
  const errors: unknown[] = []
  const delay = monitorEventLoopDelay({ resolution: 10 })
  let before = 0
  let sent = 0
  let costliest = 0

  /** Excludes what the test itself retains. */
  function forget() {
    errors.push(...log.filter(line => Number(line['level']) >= 50))
    log.length = 0
    smtp.mails.length = 0
  }

  async function send(request: Request) {
    const answer = await app.inject(injected(request, world))
    sent++
    const { operation } = request
    const name = nameOf(operation)
    if (answer.statusCode < 300) {
      reached.set(name, (reached.get(name) ?? 0) + 1)
      spent ||= SPENDING.test(name)
    }
    const faults = faultsOf(operation, answer as never)
    if (faults.length > 0) throw new Error(`${name}: ${faults.join('; ')}`)
  }
  const atOnce = fc.array(requestsOf(audience), { minLength: 1, maxLength: 12, size: 'max' })
  async function sendAtOnce(requests: Request[]) {
    // Also sends tokens that have been used.
    if (spent && ++age >= 3) {
      forget()
      world = await newWorld()
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
    if (before === 0 && sent >= WARM) {
      forget()
      before = await held()
    }
  }
  const property = fc.asyncProperty(atOnce, limitShrinking(sendAtOnce))
  const outcome = await fc.check(property, { seed, numRuns: runs })
  await rows.settled()
  forget()
  const grown = before === 0 ? 0 : (await held()) - before
  const wrong = await faultyRows(rows, provider)
  const ready = (await app.inject('/health/ready')).statusCode
  const { email, password } = await freshWorld(service)
  const login = await service.app.inject({ method: 'POST', url: '/login', payload: { email, password } })
  forget()
  return {
    ...{ sent, grown, costliest, wrong, errors, working: ready === 200 && login.statusCode === 200 },
    stall: delay.max / 1e9,
    said: `succeeded: ${JSON.stringify(Object.fromEntries(reached))}`,
    never: OPERATIONS[audience].map(nameOf).filter(name => !reached.has(name)),
    ...failureOf(outcome),
  }
}
