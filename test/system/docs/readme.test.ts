/** What the README tells people to run, against the real process; test/unit/docs/readme.test.ts checks its tables. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { bearer, confirmedAccount, startApp } from '../../harness/app.ts'
import { emptyDatabase, type Teardown } from '../../harness/database.ts'
import { freePort } from '../../harness/free-port.ts'
import { block, installation, runInFolder } from './commands.ts'

const ROOT = join(fileURLToPath(import.meta.resolve('#root/package.json')), '..')
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')

interface Step {
  script: string
  /** What the README says it prints. */
  answer: unknown
}

const steps: Step[] = [...readme.matchAll(/```sh tour\n(.*?)```\s+```json\n(.*?)```/gs)].map(
  ([, script, answer]) => ({ script: script as string, answer: JSON.parse(answer as string) }),
)

t.test('every command of the tour prints what the README says, with a newline at its end', async t => {
  t.ok(steps.length >= 9, 'the tour is there')
  t.equal(steps.length, readme.match(/```sh tour/g)?.length, 'each step shows its answer')
  const service = await startService(t)

  // One shell for the whole tour, as a person has it: variables live on from step to step.
  let setup = ''
  let tokens = 0
  for (const { script, answer } of steps) {
    let line = script.replaceAll('localhost:3000', `localhost:${service.port}`)
    if (line.includes('paste the token here')) {
      line = line.replace('paste the token here', await service.token(++tokens))
    }
    const { stdout } = await promisify(execFile)('bash', ['-c', `${setup}\n${line}`], { cwd: service.folder })
    t.strictSame(shape(JSON.parse(stdout)), shape(answer), script)
    t.ok(stdout.endsWith('\n'), 'a newline')
    setup += `${line
      .split('\n')
      .filter(part => /^[A-Z]+=/.test(part))
      .join('\n')}\n`
    setup = freeze(setup, service.folder)
  }
})

t.test('the back end of the README knows the account of an access token', async t => {
  const service = await startApp(t)
  const base = await service.app.listen({ host: '127.0.0.1', port: 0 })
  const file = join(installation(t), 'backend.mjs')
  writeFileSync(file, block('README.md', 'js backend').replace("URL('http://localhost:3000", `URL('${base}`))
  const { accountOf } = await import(file)
  const { accessToken } = await confirmedAccount(service)
  const headers = bearer(accessToken)
  const me = await service.app.inject({ url: '/me', headers })
  t.equal(await accountOf(headers.authorization), me.json().id)
  await t.rejects(accountOf(`${headers.authorization.slice(0, -4)}AAAA`))
  await t.rejects(accountOf('Bearer nonsense'))
  await t.rejects(accountOf(undefined))
})

t.test('the production steps of the README lead to a ready service', async t => {
  const step = (name: string) => new RegExp(`\\*\\*${name}\\*\\*: \`([^\`]+)\``).exec(readme)?.[1] ?? ''
  const folder = installation(t)
  await runInFolder(folder, step('Secrets').replaceAll('/etc/latchkey', folder))
  writeFileSync(join(folder, 'mail-password'), 'tq7-vn2-wk9')
  const redis = process.env['TEST_REDIS_URL']
  const port = await freePort()
  // The example names servers that do not exist; everything else is taken as it is.
  const settings = block('README.md', 'ini production')
    .replaceAll('/etc/latchkey', folder)
    .replace(/^( *DATABASE_URL)=.*/m, `$1=${await emptyDatabase(t)}`)
    .replace(/^ *REDIS_URL=.*\n/m, redis ? `REDIS_URL=${redis}\n` : '')
  writeFileSync(join(folder, '.env'), `${settings}\nPORT=${port}\n`)

  await runInFolder(folder, step('Migrate'))
  const [command = '', ...words] = step('Start').split(' ')
  const child = spawn(command, words, { cwd: folder, env: { PATH: process.env['PATH'] } })
  const ended = new Promise(resolve => child.once('exit', resolve))
  t.teardown(() => child.kill('SIGTERM') && ended)
  await collect(child).until(text => text.includes('"event":"sys_startup"'))
  const checked = await runInFolder(folder, step('Check').replace(':3000', `:${port}`))
  t.match(JSON.parse(checked.stdout), { status: 'ready', limits: redis ? 'redis' : 'memory' })
})

/** Keeps values that are the same at every run; of the others their kind. */
function shape(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const varying = /^(id|requestId|accessToken|refreshToken|requestToken)$|At$/
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      varying.test(key)
        ? typeof member
        : key.endsWith('xpiresIn')
          ? Math.round(Number(member) / 100)
          : member,
    ]),
  )
}

/** Assignments are evaluated once: the file that one of them reads is overwritten later in the tour. */
function freeze(setup: string, folder: string): string {
  const session = () => JSON.parse(readFileSync(join(folder, 'session.json'), 'utf8'))
  return setup.replace(/\$\(node -pe '[^']*\.(\w+)'\)/g, (_, member: string) => `'${session()[member]}'`)
}

async function startService(t: Teardown) {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-readme-'))
  const port = await freePort()
  const child = spawn(process.execPath, ['--enable-source-maps', join(ROOT, 'dist/bin/start.cjs')], {
    cwd: folder,
    env: { PATH: process.env['PATH'], PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(async () => {
    child.kill('SIGTERM')
    await new Promise(resolve => child.once('exit', resolve))
    rmSync(folder, { recursive: true })
  })
  const output = collect(child)
  await output.until(text => text.includes('Server listening'))
  return {
    folder,
    port,
    /** The token of the n-th mail that has one. */
    async token(count: number): Promise<string> {
      const tokens = (text: string) => [...text.matchAll(/#token=(\S+)/g)].map(([, token]) => token as string)
      const text = await output.until(text => tokens(text).length >= count)
      return tokens(text)[count - 1] as string
    },
  }
}

/** What a process prints, and waiting until it has printed something. */
function collect(child: ChildProcess) {
  let text = ''
  const watchers = new Set<() => void>()
  child.stdout?.on('data', chunk => {
    text += chunk
    for (const watcher of watchers) watcher()
  })
  return {
    until: (holds: (text: string) => boolean) =>
      new Promise<string>((resolve, reject) => {
        const give = () => {
          if (!holds(text)) return
          watchers.delete(give)
          resolve(text)
        }
        watchers.add(give)
        child.once('exit', () => reject(new Error(`the service ended:\n${text}`)))
        give()
      }),
  }
}
