/** Signals and errors that end the process, and its exit codes. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { freshDatabase } from '../../harness/database.ts'
import { freePort } from '../../harness/free-port.ts'
import { emptyFolder, serviceEnvironment, startProcess } from '../../harness/process.ts'
import { until } from '../../harness/until.ts'

/** Starts the service with a module that is loaded before it. */
async function startWith(t: Test, preload: string, env: Record<string, string> = {}) {
  const module = join(emptyFolder(t), 'preload.mjs')
  writeFileSync(module, preload)
  return startProcess(t, {
    env: serviceEnvironment({
      DATABASE_URL: await freshDatabase(t, 'sqlite'),
      NODE_OPTIONS: `--import=${pathToFileURL(module)}`,
      ...env,
    }),
  })
}

const asUrl = (source: string) => `data:text/javascript,${encodeURIComponent(source)}`

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
  t.test(`${signal} during the start ends the process at once and without a failure`, async t => {
    // The hooks of modules run in a thread of their own: the signal comes while the main thread loads the service.
    const hook = `export const resolve = (name, context, next) => {
      if (name.endsWith('/server.js')) process.kill(process.pid, '${signal}')
      return next(name, context)
    }`
    const service = await startWith(
      t,
      `import { register } from 'node:module'; register(${JSON.stringify(asUrl(hook))})`,
    )
    t.equal(await service.ended(), 0)
    t.equal(service.stderr(), '')
    t.notMatch(service.stdout(), /listening/)
  })
}

t.test('a signal while a host is looked up ends the process, which does not serve yet', async t => {
  const port = await freePort()
  const service = await startWith(
    t,
    `import dns from 'node:dns/promises'
    import { syncBuiltinESMExports } from 'node:module'
    import { connect } from 'node:net'
    const { lookup } = dns
    dns.lookup = (host, options) => host === '127.0.0.1' ? lookup(host, options) : new Promise(() => {
      connect(${port}, '127.0.0.1')
        .on('connect', () => console.error('it serves'))
        .on('error', () => {})
        .on('close', () => process.kill(process.pid, 'SIGTERM'))
    })
    syncBuiltinESMExports()`,
    { PORT: String(port), OPERATOR_HOST: 'operators.test', OPERATOR_PORT: String(await freePort()) },
  )
  t.equal(await service.ended(), 0)
  t.equal(service.stderr(), '')
  t.notMatch(service.stdout(), /listening/)
})

/** A login that takes long enough to be in flight when the signal comes. */
const SLOW = { ARGON2_MEMORY_KIB: '65536', ARGON2_TIME_COST: '8' }
const logIn = (url: string) =>
  fetch(`${url}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({ email: 'nobody@example.org', password: 'x' }),
  })

const ENDS: { what: string; code: number; reason: string; crash?: string; preload: string }[] = [
  { what: 'SIGHUP', code: 0, reason: 'SIGHUP', preload: '' },
  ...[
    ['an error that nobody catches', `setImmediate(() => { throw new TypeError('nobody catches this') })`],
    ['a rejection that nobody handles', `Promise.reject(new TypeError('nobody catches this'))`],
  ].map(([what = '', act = '']) => ({
    what,
    code: 1,
    reason: 'uncaughtException',
    crash: 'nobody catches this',
    preload: `process.on('SIGUSR2', () => { ${act} })`,
  })),
]

for (const { what, code, reason, crash, preload } of ENDS) {
  t.test(`${what} ends the process in order`, async t => {
    const service = await startWith(t, preload, SLOW)
    const url = await service.listening()
    let answered = false
    const login = logIn(url).finally(() => {
      answered = true
    })
    const ready = () => fetch(`${url}/health/ready`).then(({ status }) => status)
    t.equal(await ready(), 200)
    service.child.kill(crash ? 'SIGUSR2' : 'SIGHUP')
    await until('it drains', () => service.log().some(({ event }) => event === 'sys_shutdown'))
    t.notOk(answered, 'the login is in flight')
    t.equal((await login).status, 401, 'it is answered')
    t.equal(await service.ended(), code)
    t.match(
      service.log().filter(({ event }) => event === 'sys_shutdown'),
      [{ reason }],
    )
    if (crash) t.match(service.stderr(), /^latchkey crashed: TypeError: nobody catches this\n +at /)
    else t.equal(service.stderr(), '')
  })
}
