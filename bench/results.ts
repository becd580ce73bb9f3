/** What is written beside the table: on what it was measured, and how. */
import { readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, totalmem, type } from 'node:os'
import { loadArgon2 } from '../src/passwords/argon2.ts'
import type { Timing } from './rounds.ts'

const { dependencies, devDependencies, optionalDependencies } = JSON.parse(
  readFileSync(new URL(import.meta.resolve('#root/package.json')), 'utf8'),
) as Record<'dependencies' | 'devDependencies' | 'optionalDependencies', Record<string, string>>

/** The facts without which the figures mean nothing. */
export async function circumstances(timing: Timing): Promise<string> {
  const facts = [
    ['date', new Date().toISOString().slice(0, 10)],
    ['node', process.version],
    ['fastify', dependencies['fastify']],
    ['prisma', dependencies['@prisma/client']],
    ['argon2', dependencies['argon2']],
    ['@node-rs/argon2', optionalDependencies['@node-rs/argon2']],
    ['hashes by', (await loadArgon2()).name],
    ['autocannon', devDependencies['autocannon']],
    ['os', `${type()} ${arch()}`],
    ['cores', `${availableParallelism()} (${cpus()[0]?.model.trim() ?? 'unknown'})`],
    ['memory', `${(totalmem() / 1e9).toFixed(1)} GB`],
    ['rounds', `${timing.rounds} of ${timing.seconds} s`],
  ]
  return facts.map(([name, value]) => `- ${name}: ${value}`).join('\n')
}

/** The whole of RESULTS.md. */
export async function resultsPage(table: string, timing: Timing): Promise<string> {
  return `# Results

Written by \`npm run bench\`; see README.md beside this file for what is measured and how.

${await circumstances(timing)}

${table}
`
}
