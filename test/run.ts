/**
 * Runs a tier of the tests, or single files, in tap: `node dist/test/run.js gate` or
 * `node dist/test/run.js test/api/sessions/login.test.ts`. docs/testing.md describes the tiers.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const TAP = join(ROOT, 'node_modules/.bin/tap')

/** Which compiled files belong to a tier, and the options of tap. */
const TIERS: Record<string, { files: RegExp; options?: string[] }> = {
  // More than the cores of a small machine, since suites also wait. PostgreSQL needs a core, and has 100 connections.
  gate: {
    files: /^suites\/.*\.test\.js$/,
    options: [`--jobs=${process.env['TEST_POSTGRES_URL'] ? 2 : 4}`],
  },
  full: { files: /^system\/(?!browser\/)(.*\/)?[^./]+\.test\.js$/, options: ['--timeout=600'] },
  browser: { files: /^system\/browser\/[^./]+\.test\.js$/, options: ['--jobs=1'] },
  soak: { files: /\.soak\.test\.js$/, options: ['--jobs=1', '--timeout=0'] },
  // What another version of Node could break first.
  versions: { files: /^(api\/journeys|system\/server)\/[^./]+\.test\.js$/ },
}

const NEEDS = [
  ['TEST_POSTGRES_URL', 'PostgreSQL'],
  ['TEST_REDIS_URL', 'Redis'],
] as const

/** Says in one line which servers a run has to do without. */
function announceMissing(): void {
  const missing = NEEDS.filter(([name]) => !process.env[name])
  if (missing.length === 0) return
  const servers = missing.map(([, server]) => server).join(' and ')
  const names = missing.map(([name]) => name).join(' and ')
  process.stdout.write(`Left out: tests that need ${servers}. Set ${names} to run them.\n`)
  if (process.env['TEST_REQUIRE_ALL']) throw new Error(`TEST_REQUIRE_ALL is set, and ${names} is not`)
}

/** The compiled form of a test, such as `dist/test/api/accounts/login.test.js`. */
const compiled = (file: string) =>
  relative(ROOT, file)
    .replace(/^(dist\/)?/, 'dist/')
    .replace(/\.ts$/, '.js')

function filesOf(tier: (typeof TIERS)[string]): string[] {
  const folder = join(ROOT, 'dist/test')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return files.filter(file => tier.files.test(file)).map(file => join('dist/test', file))
}

const [name = 'gate', ...others] = process.argv.slice(2)
const tier = TIERS[name]
const files = tier ? filesOf(tier) : [name, ...others].map(compiled)
if (files.length === 0) throw new Error(`the tier ${name} has no test`)
announceMissing()
const options = tier ? [...(tier.options ?? []), ...others] : []
const { status } = spawnSync(TAP, [...options, ...files], { cwd: ROOT, stdio: 'inherit' })
process.exitCode = status ?? 1
