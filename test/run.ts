/**
 * Runs a tier of the tests, or single files: `node dist/test/run.js gate` or
 * `node dist/test/run.js test/api/sessions/login.test.ts`. docs/testing.md describes the tiers.
 *
 * Each file is a process that writes TAP. A runner that follows their assertions and loads itself into every process
 * takes a quarter of the gate, so this one only reads the totals, and prints what failed.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

interface Tier {
  /** Compiled files below dist/test. */
  files: RegExp
  /** Processes at once. */
  jobs: number
  /** Seconds for one file; 0 for no limit. */
  timeout: number
  /** Files that take longest, which start first so that none runs alone at the end. */
  first?: RegExp
}

const LONG =
  /postgresql|secret-rotation|clients|operate|smtp\.|model|faults\/kill\.|rolling|fuzz|migrating|verify/

const TIERS: Record<string, Tier> = {
  // More than the cores of a small machine, since suites also wait.
  gate: {
    files: /^suites\/.*\.test\.js$/,
    jobs: 3,
    timeout: 300,
    first: /http|passwords/,
  },
  full: { files: /^system\/(?!browser\/)(.*\/)?[^./]+\.test\.js$/, jobs: 3, timeout: 600, first: LONG },
  browser: {
    files: /^system\/browser\/[^./]+\.test\.js$/,
    jobs: 2,
    timeout: 300,
    first: /accessible|account-|behind/,
  },
  soak: { files: /\.soak\.test\.js$/, jobs: 1, timeout: 0 },
  // What another version of Node could break first.
  versions: { files: /^(api\/journeys|system\/server)\/[^./]+\.test\.js$/, jobs: 3, timeout: 300 },
}

/** Single files, while they are written. */
const SINGLE: Omit<Tier, 'files'> = { jobs: 2, timeout: 600 }

const NEEDS = [
  ['TEST_POSTGRES_URL', 'PostgreSQL'],
  ['TEST_REDIS_URL', 'Redis'],
] as const

/** Nothing may be left out. */
const REQUIRES_ALL = Boolean(process.env['TEST_REQUIRE_ALL'])

/** Says in one line which servers a run has to do without. */
function announceMissing(): void {
  const missing = NEEDS.filter(([name]) => !process.env[name])
  if (missing.length === 0) return
  const servers = missing.map(([, server]) => server).join(' and ')
  const names = missing.map(([name]) => name).join(' and ')
  process.stdout.write(`Left out: tests that need ${servers}. Set ${names} to run them.\n`)
  if (REQUIRES_ALL) throw new Error(`TEST_REQUIRE_ALL is set, and ${names} is not`)
}

/** The compiled form of a test, such as `dist/test/api/accounts/login.test.js`. */
const compiled = (file: string) =>
  relative(ROOT, file)
    .replace(/^(dist\/)?/, 'dist/')
    .replace(/\.ts$/, '.js')

function filesOf({ files: belongs, first = /^$/ }: Tier): string[] {
  const folder = join(ROOT, 'dist/test')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(file => belongs.test(file))
  const isLate = (file: string) => Number(!first.test(file))
  return files
    .sort((a, b) => isLate(a) - isLate(b) || a.localeCompare(b))
    .map(file => join('dist/test', file))
}

const KINDS = ['total', 'pass', 'fail', 'todo', 'skip'] as const
type Totals = Record<(typeof KINDS)[number], number>

/** Totals from the line that ends a file, such as `# { total: 2, pass: 1, fail: 1 }`. */
function totalsIn(line: string): Totals {
  const count = (kind: string) => Number(new RegExp(`\\b${kind}: (\\d+)`).exec(line)?.[1] ?? 0)
  return Object.fromEntries(KINDS.map(kind => [kind, count(kind)])) as Totals
}

/**
 * Runs one file in a process.
 *
 * @returns its totals, and the lines of TAP worth reading: failures with their details, and, where nothing may be left
 *   out, what was. A process that fails otherwise, or asserts nothing, counts as one failure
 */
async function run(file: string, timeout: number): Promise<{ totals: Totals; report: string[] }> {
  const child = spawn(process.execPath, ['--enable-source-maps', file], {
    cwd: ROOT,
    env: { ...process.env, TAP: '1', TAP_TIMEOUT: String(timeout) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  // Tap ends the tests at the timeout and says which one ran. This is for a process that cannot.
  const watchdog = timeout > 0 ? setTimeout(() => child.kill('SIGKILL'), (timeout + 30) * 1000) : undefined
  const report: string[] = []
  let totals = totalsIn('')
  let details: string | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    const [, indent = '', failed, directive] = /^( *)(?:(not )?ok\b(?:.*# (SKIP|TODO)\b)?)?/.exec(line) ?? []
    if (line.startsWith('# { total: ')) totals = totalsIn(line)
    if (failed || (directive && REQUIRES_ALL)) report.push(line)
    // A failed assertion is followed by its details, in YAML between `---` and `...`.
    if (failed) details = `${indent}  `
    else if (details !== undefined && line.startsWith(details)) report.push(line)
    else details = undefined
  }
  const [code, signal] = await closed
  clearTimeout(watchdog)
  if (totals.fail === 0 && (code !== 0 || totals.total === 0)) {
    report.push(`not ok ${file} ended with ${signal ?? code} after ${totals.total} assertions`)
    totals = { ...totals, total: totals.total + 1, fail: 1 }
  }
  return { totals, report }
}

const [name = 'gate', ...others] = process.argv.slice(2)
const tier = TIERS[name]
const { jobs, timeout } = tier ?? SINGLE
const files = tier ? filesOf(tier) : [name, ...others].map(compiled)
if (files.length === 0) throw new Error(`the tier ${name} has no test`)
announceMissing()

const sum = totalsIn('')
const began = performance.now()
const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(1)} s`
const waiting = [...files]
async function work(): Promise<void> {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    const start = performance.now()
    const { totals, report } = await run(file, timeout)
    for (const kind of KINDS) sum[kind] += totals[kind]
    const verdict = totals.fail === 0 ? 'ok' : 'not ok'
    process.stdout.write(
      [...report, `${verdict} - ${file} # ${totals.pass} of ${totals.total}, ${seconds(start)}\n`].join('\n'),
    )
  }
}
await Promise.all(Array.from({ length: jobs }, work))
const counts = KINDS.filter(kind => kind === 'pass' || sum[kind] > 0).map(kind => `${kind}: ${sum[kind]}`)
process.stdout.write(`# ${files.length} files, ${seconds(began)}\n# { ${counts.join(', ')} }\n`)
if (sum.fail > 0) process.exitCode = 1
