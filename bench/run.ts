/**
 * `npm run bench`: one table of ratios, each against a baseline measured in the same run, and
 * bench/RESULTS.md. With `--quick` a smoke run, with `--only login,flood` some groups of rows; neither
 * writes anything. On SQLite, and on PostgreSQL if TEST_POSTGRES_URL is set.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Provider } from '../src/database/index.ts'
import { noNginx } from '../test/harness/nginx.ts'
import { circumstances, resultsPage } from './results.ts'
import type { Timing } from './rounds.ts'
import { clusterRows } from './rows/cluster.ts'
import { floodRows } from './rows/flood.ts'
import { growthRows } from './rows/growth.ts'
import { confirmRows, loginRows } from './rows/hashing.ts'
import { installRows } from './rows/install.ts'
import { overloadRows } from './rows/overload.ts'
import { partsRows } from './rows/parts.ts'
import { processRows } from './rows/process.ts'
import { readRows } from './rows/reads.ts'
import { signingRows } from './rows/signing.ts'
import { writeRows } from './rows/writes.ts'
import { databasesOf, type Stage, setStage } from './stage.ts'
import { type Row, table } from './table.ts'

/** Groups of rows, in the order in which they are measured: memory last, for the peak of all that went before. */
const GROUPS: Record<string, (stage: Stage) => Promise<Row[]>> = {
  login: loginRows,
  confirm: confirmRows,
  reads: readRows,
  writes: writeRows,
  signing: signingRows,
  flood: floodRows,
  overload: overloadRows,
  install: installRows,
  process: processRows,
}

const { quick, only } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } },
}).values
/** Several instances are measured on PostgreSQL only, on a stage of their own; so is one among several. */
const CLUSTER = 'cluster'
const PARTS = 'parts'
/** Takes minutes and gigabytes, so it has to be asked for. */
const GROWTH = 'growth'
const usual = [...Object.keys(GROUPS), CLUSTER, PARTS]
const chosen = only?.split(',') ?? usual
const unknown = chosen.filter(group => group !== GROWTH && !usual.includes(group))
if (unknown.length > 0) throw new Error(`no such rows: ${unknown}; there are ${[...usual, GROWTH]}`)
const timing: Timing = quick ? { rounds: 1, seconds: 1, warmUp: 1 } : { rounds: 5, seconds: 2, warmUp: 1 }
const providers: Provider[] = process.env['TEST_POSTGRES_URL'] ? ['sqlite', 'postgresql'] : ['sqlite']

const cleanups: (() => unknown)[] = []
const stack = { teardown: (cleanup: () => unknown) => cleanups.push(cleanup) }

/** One at a time: whoever comes second, after an interruption, waits until the first has removed everything. */
let cleaning = Promise.resolve()
function cleanUp(): Promise<void> {
  cleaning = cleaning.then(async () => {
    for (let last = cleanups.pop(); last !== undefined; last = cleanups.pop()) await last()
  })
  return cleaning
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void cleanUp().finally(() => process.exit(1)))
}

const progress = (message: string) => process.stderr.write(`${message}\n`)

async function measure(provider: Provider): Promise<Row[]> {
  const rows: Row[] = []
  if (chosen.includes(GROWTH)) {
    rows.push(...(await growthRows(stack, provider, databasesOf(stack, provider), { quick, progress })))
  }
  if (!chosen.some(group => group in GROUPS)) return rows
  progress(`${provider}: seeding`)
  const stage = await setStage(stack, provider, timing)
  for (const [group, measureGroup] of Object.entries(GROUPS)) {
    if (!chosen.includes(group)) continue
    progress(`${provider}: ${group}`)
    rows.push(...(await measureGroup(stage)))
  }
  return rows
}

const began = performance.now()
try {
  const rows: (Row & { database: string })[] = []
  for (const provider of chosen.some(group => group !== CLUSTER && group !== PARTS) ? providers : []) {
    rows.push(...(await measure(provider)).map(row => ({ ...row, database: provider })))
    await cleanUp()
  }
  if (chosen.includes(CLUSTER) && providers.includes('postgresql') && !noNginx) {
    progress('postgresql: several instances')
    rows.push(...(await clusterRows(stack, timing)).map(row => ({ ...row, database: 'postgresql' })))
  }
  const redisUrl = process.env['TEST_REDIS_URL']
  if (chosen.includes(PARTS) && providers.includes('postgresql') && redisUrl !== undefined) {
    progress('postgresql: the cost of each part')
    rows.push(...(await partsRows(stack, redisUrl, timing)).map(row => ({ ...row, database: 'postgresql' })))
  }
  const result = table(rows)
  process.stdout.write(`\n${await circumstances(timing)}\n\n${result}\n`)
  if (!quick && only === undefined) {
    writeFileSync(
      new URL('bench/RESULTS.md', import.meta.resolve('#root/package.json')),
      await resultsPage(result, timing),
    )
  }
  progress(`\n${Math.round((performance.now() - began) / 1000)} s`)
} finally {
  await cleanUp()
}
