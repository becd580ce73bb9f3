/**
 * `npm run bench`: one table of ratios, each against a baseline measured in the same run, and
 * bench/RESULTS.md. With `--quick` a smoke run that writes nothing. With `--only growth` what it leaves out
 * because it takes long, and nothing is written either. On SQLite, and on PostgreSQL if TEST_POSTGRES_URL is
 * set.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Provider } from '../src/database/client.ts'
import { circumstances, resultsPage } from './results.ts'
import type { Timing } from './rounds.ts'
import { floodRows } from './rows/flood.ts'
import { growthRows } from './rows/growth.ts'
import { hashingRows } from './rows/hashing.ts'
import { overloadRows } from './rows/overload.ts'
import { processRows } from './rows/process.ts'
import { readRows } from './rows/reads.ts'
import { writeRows } from './rows/writes.ts'
import { databasesOf, setStage } from './stage.ts'
import { type Row, table } from './table.ts'

const { quick, only } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } },
}).values
if (only !== undefined && only !== 'growth') throw new Error('--only takes growth')
const timing: Timing = quick ? { rounds: 1, seconds: 1, warmUp: 0.3 } : { rounds: 3, seconds: 3, warmUp: 1 }
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
  if (only === 'growth') {
    return growthRows(stack, provider, databasesOf(stack, provider), { quick, progress })
  }
  progress(`${provider}: seeding`)
  const stage = await setStage(stack, provider, timing)
  progress(`${provider}: hashing`)
  const { rows: hashing, capacity } = await hashingRows(stage)
  progress(`${provider}: reads`)
  const reads = await readRows(stage)
  progress(`${provider}: writes`)
  const writes = await writeRows(stage)
  progress(`${provider}: flood and overload`)
  const { rows: flood, idleP99 } = await floodRows(stage)
  const overload = await overloadRows(stage, capacity, idleP99)
  progress(`${provider}: start and memory`)
  return [...hashing, ...reads, ...writes, ...flood, ...overload, ...(await processRows(stage))]
}

const began = performance.now()
try {
  const rows: (Row & { database: string })[] = []
  for (const provider of providers) {
    rows.push(...(await measure(provider)).map(row => ({ ...row, database: provider })))
    await cleanUp()
  }
  const result = table(rows)
  process.stdout.write(`\n${circumstances(timing)}\n\n${result}\n`)
  if (!quick && only === undefined) {
    writeFileSync(
      new URL('bench/RESULTS.md', import.meta.resolve('#root/package.json')),
      resultsPage(result, timing),
    )
  }
  progress(`\n${Math.round((performance.now() - began) / 1000)} s`)
} finally {
  await cleanUp()
}
