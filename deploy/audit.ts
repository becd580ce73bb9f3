/**
 * `npm audit` with a memory: fails on advisories of level high and above, but for those that are listed and
 * explained in audit-accepted.json. A registry that does not answer is no advisory; it is said loudly.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ROOT } from '../src/shared/root.ts'
import { npm } from './npm.ts'

/** An advisory that is known and accepted for a while. */
export interface Accepted {
  /** Its address at GitHub: `https://github.com/advisories/GHSA-…`. */
  advisory: string
  package: string
  /** Why it does no harm here. */
  why: string
  /** The day from which it counts again, ISO 8601. */
  until: string
}

/** What of npm's report is read. */
export interface Report {
  vulnerabilities: Record<string, { via: (string | { url: string; severity: string; title: string })[] }>
}

/** What an audit comes to: a line for each advisory that stands in the way. */
export interface Verdict {
  /** `unknown`: the registry did not say. */
  result: 'clean' | 'found' | 'unknown'
  lines: string[]
}

/**
 * Judges npm's answer.
 *
 * @param output what `npm audit --json` printed
 * @param accepted advisories that are let through until their day
 * @param today ISO 8601
 */
export function verdict(output: string, accepted: Accepted[], today: string): Verdict {
  const report = parsed(output)
  if (report === undefined) return { result: 'unknown', lines: [] }
  const excused = new Set(accepted.filter(({ until }) => today < until).map(({ advisory }) => advisory))
  const lines = Object.entries(report.vulnerabilities).flatMap(([name, { via }]) =>
    via
      // A string is another package of the same report that brings it along.
      .filter(cause => typeof cause !== 'string')
      .filter(({ severity, url }) => /^(high|critical)$/.test(severity) && !excused.has(url))
      .map(({ severity, title, url }) => `${name}: ${title} (${severity}) ${url}`),
  )
  return { result: lines.length > 0 ? 'found' : 'clean', lines: [...new Set(lines)].sort() }
}

function parsed(output: string): Report | undefined {
  try {
    const report = JSON.parse(output)
    return typeof report?.vulnerabilities === 'object' ? report : undefined
  } catch {
    return undefined
  }
}

/** Runs npm audit; its exit status says nothing that its report does not. */
function audit(...options: string[]): Promise<string> {
  const [program, ...args] = npm('audit', '--json', ...options)
  return new Promise(resolve => {
    execFile(program, args, { cwd: ROOT, maxBuffer: 2 ** 26 }, (_error, stdout) => resolve(stdout))
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const accepted = JSON.parse(readFileSync(new URL('deploy/audit-accepted.json', ROOT), 'utf8')) as Accepted[]
  const today = new Date().toISOString().slice(0, 10)
  for (const [what, ...options] of [['what production runs', '--omit=dev'], ['everything']] as const) {
    const { result, lines } = verdict(await audit(...options), accepted, today)
    for (const line of lines) process.stdout.write(`${line}\n`)
    process.stdout.write(
      result === 'unknown'
        ? `\n*** NOT AUDITED, ${what}: the registry did not answer with a report. Ask one that does:\n` +
            `*** npm audit --registry=https://registry.npmjs.org\n\n`
        : `${what}: ${lines.length} advisories of level high or above that are not accepted\n`,
    )
    if (result === 'found') process.exitCode = 1
  }
}
