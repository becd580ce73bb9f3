/** What a production install weighs. */
import { execFileSync } from 'node:child_process'
import { cpSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Stage } from '../stage.ts'
import { megabytes, type Row } from '../table.ts'

const root = (file: string) => new URL(file, import.meta.resolve('#root/package.json'))

/** Installs as the image does; needs the registry, or npm's cache. Once, whatever the database is. */
export async function installRows({ provider }: Stage): Promise<Row[]> {
  if (provider !== 'sqlite') return []
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-install-'))
  try {
    for (const file of ['package.json', 'package-lock.json', '.npmrc']) cpSync(root(file), join(folder, file))
    execFileSync('sh', ['-euc', installCommand()], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
    return [
      {
        what: 'production dependencies, installed as in the Dockerfile',
        figure: megabytes(bytesBelow(join(folder, 'node_modules')) / 1e6),
        baseline: {
          name: 'Node itself, its executable',
          ...megabytes(statSync(process.execPath).size / 1e6),
        },
      },
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function installCommand(): string {
  const command = /^RUN (npm ci --omit=dev(?:.*\\\n)*.*)$/m.exec(
    readFileSync(root('Dockerfile'), 'utf8'),
  )?.[1]
  if (command === undefined) throw new Error('the Dockerfile installs in another way')
  return command
}

function bytesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true })
    .map(path => lstatSync(join(folder, String(path))))
    .filter(entry => entry.isFile())
    .reduce((sum, { size }) => sum + size, 0)
}
