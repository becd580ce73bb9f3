import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { freshDatabase } from '../../harness/database.ts'
import { emptyFolder, serviceEnvironment, startProcess } from '../../harness/process.ts'
import { until } from '../../harness/until.ts'

t.test('reports all faults of the configuration at once and does not start', async t => {
  const cwd = emptyFolder(t)
  const service = startProcess(t, {
    cwd,
    env: {
      NODE_ENV: 'development',
      PORT: 'eighty',
      ACCESS_TOKEN_TTL: '-1',
      MAIL_USE_TLS: 'perhaps',
      DATABASE_URL: 'mysql://root:geheim@localhost/x',
      JWT_SECRET: 'geheim',
    },
  })
  t.equal(await service.ended(), 1)
  const report = service.stderr()
  for (const name of ['PORT', 'ACCESS_TOKEN_TTL', 'MAIL_USE_TLS', 'DATABASE_URL', 'JWT_SECRET']) {
    t.match(report, new RegExp(`^ {2}${name}: expected `, 'm'))
  }
  t.match(report, /\.env\.example/)
  t.notMatch(report, /\n\s+at |node:internal|Error:/, 'no stack')
  t.notMatch(report, /geheim/, 'no secret')
  t.ok(report.split('\n').length <= 24, 'one screen')
  t.equal(service.stdout(), '')
  t.notOk(existsSync(join(cwd, 'data')), 'no file was made')
})

t.test('reports an address that cannot be listened on in one line', async t => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const address = taken.address()
  const port = String(typeof address === 'object' ? address?.port : '')
  for (const { env, reason } of [
    { env: { PORT: port }, reason: `.*EADDRINUSE.*127\\.0\\.0\\.1:${port}` },
    { env: { HOST: 'nowhere.invalid' }, reason: '.*nowhere\\.invalid' },
  ]) {
    const service = startProcess(t, {
      env: serviceEnvironment({ ...env, DATABASE_URL: await freshDatabase(t) }),
    })
    t.equal(await service.ended(), 1)
    t.match(service.stderr(), new RegExp(`^latchkey cannot start: ${reason}\n$`))
  }
})

t.test('a host name with several addresses gets one listener', async t => {
  // Every address of 127.0.0.0/8 is this machine; not every machine resolves `localhost` to two addresses.
  const names = join(emptyFolder(t), 'names.mjs')
  writeFileSync(
    names,
    `import dns from 'node:dns'
    import { syncBuiltinESMExports } from 'node:module'
    const { lookup } = dns
    dns.lookup = (name, options, done) => name === 'localhost' && options?.all
      ? process.nextTick(done, null, [{ address: '127.0.0.1', family: 4 }, { address: '127.0.0.2', family: 4 }])
      : lookup(name, options, done)
    syncBuiltinESMExports()`,
  )
  const service = startProcess(t, {
    env: serviceEnvironment({
      HOST: 'localhost',
      DATABASE_URL: await freshDatabase(t),
      NODE_OPTIONS: `--import=${pathToFileURL(names)}`,
    }),
  })
  const { port } = new URL(await service.listening())
  const ask = (host: string) =>
    new Promise<string | undefined>(resolve => {
      let answer = ''
      const socket = connect(Number(port), host, () => socket.write('NOT HTTP\r\n\r\n'))
      socket.on('data', chunk => {
        answer += chunk
      })
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
      socket.on('close', () => resolve(answer))
    })
  t.match(await ask('127.0.0.1'), /application\/problem\+json/)
  t.equal(await ask('127.0.0.2'), 'ECONNREFUSED', 'no second listener')
  t.equal(await service.end('SIGINT'), 0)
})

t.test('.env in the working directory is read, and the environment takes precedence', async t => {
  const cwd = emptyFolder(t)
  writeFileSync(join(cwd, '.env'), 'LOG_LEVEL=silent\nMAIL_PORT=none\n')
  const { LOG_LEVEL: _, ...env } = serviceEnvironment({
    DATABASE_URL: await freshDatabase(t),
    MAIL_PORT: '25',
  })
  const service = startProcess(t, { cwd, env })
  await fetch(`${await service.listening()}/health/live`)
  await service.end('SIGINT')
  t.strictSame(service.log(), [], 'LOG_LEVEL comes from the file')
})

/** Settings that production accepts. */
const PRODUCTION = {
  NODE_ENV: 'production',
  JWT_SECRET: randomBytes(48).toString('base64'),
  RATE_LIMIT: 'on',
  MAIL_BACKEND: 'smtp',
  ARGON2_MEMORY_KIB: '19456',
  ARGON2_TIME_COST: '2',
  EMAIL_CONFIRMATION: 'off',
}

/** Parses every line of an output. Throws if one is not JSON. */
function linesOf(output: string): Record<string, unknown>[] {
  if (output !== '' && !output.endsWith('\n')) throw new Error(`no whole line: ${output}`)
  return output
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line))
}

const answeredIn = (output: string) =>
  linesOf(output.slice(0, output.lastIndexOf('\n') + 1)).filter(({ msg }) => msg === 'answered')

t.test(
  'in production all output is JSON lines, one for each request, with its id and without its query',
  async t => {
    const service = startProcess(t, {
      env: serviceEnvironment({ ...PRODUCTION, LOG_LEVEL: 'debug', DATABASE_URL: 'file:./accounts.db' }),
    })
    const url = await service.listening()
    const ids: (string | null)[] = []
    for (const path of ['/health/live?token=geheim', '/nowhere?x=geheim', '/me', '/%ZZ?token=geheim']) {
      ids.push((await fetch(url + path)).headers.get('x-request-id'))
    }
    // A response may be logged after the client has received its head.
    await until('each request is logged', () => answeredIn(service.stdout()).length === ids.length)
    await service.end('SIGINT')
    t.equal(service.stderr(), '')
    const lines = linesOf(service.stdout())
    const warnings = lines.filter(({ level, variable }) => level === 40 && variable)
    t.strictSame(
      warnings.map(({ variable }) => variable),
      ['EMAIL_CONFIRMATION', 'APP_URL'],
      'warnings of production settings come first, once',
    )
    for (const { msg } of warnings) t.match(msg, /^\S.{20,}/, 'and say what they cause')
    const banner = lines.filter(({ event }) => event === 'sys_startup')
    t.match(banner, [
      {
        level: 30,
        msg: 'listening',
        url: /^http:\/\/(localhost|127\.0\.0\.1):\d+$/,
        database: 'file:./accounts.db',
        limits: 'memory',
        mails: /SMTP/,
      },
    ])
    t.match(lines.at(-1), { event: 'sys_shutdown', reason: 'SIGINT' })
    const answered = answeredIn(service.stdout())
    // On separate connections, so their order is not guaranteed.
    t.strictSame(answered.map(({ requestId }) => requestId).sort(), [...ids].sort())
    const of = (index: number) => answered.find(({ requestId }) => requestId === ids[index])
    t.match(of(0), { level: 20, path: '/health/live' }, 'probes are quiet')
    t.match(of(1), { level: 30, method: 'GET', path: '/nowhere', status: 404, ms: Number, ip: '127.0.0.1' })
    t.notMatch(service.stdout(), /geheim/)
  },
)

t.test('in production a start that fails is one JSON line', async t => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const address = taken.address()
  const port = String(typeof address === 'object' ? address?.port : '')
  const garbage = emptyFolder(t)
  writeFileSync(join(garbage, '.env'), Buffer.from([0xff, 0xfe, 0x00]))
  const cases: { name: string; env: Record<string, string>; cwd?: string; expected: object }[] = [
    {
      name: 'a bad configuration',
      env: { ...PRODUCTION, PORT: 'eighty', JWT_SECRET: 'geheim' },
      expected: {
        msg: 'latchkey cannot start: the configuration is invalid',
        problems: [/^PORT: /, /^JWT_SECRET: /],
      },
    },
    {
      name: 'a mistyped NODE_ENV',
      env: { ...PRODUCTION, NODE_ENV: 'prod' },
      expected: { problems: [/^NODE_ENV: /] },
    },
    { name: 'a taken port', env: { ...PRODUCTION, PORT: port }, expected: { msg: /EADDRINUSE/ } },
    {
      name: 'a database that is no file',
      env: { ...PRODUCTION, DATABASE_URL: 'file:/dev/null/x' },
      expected: { msg: /^latchkey cannot start: \S/ },
    },
    { name: 'a .env that is no text', env: PRODUCTION, cwd: garbage, expected: { msg: /\.env/ } },
  ]
  for (const { name, env, cwd, expected } of cases) {
    const all = serviceEnvironment({ DATABASE_URL: 'file:./accounts.db', ...env })
    const service = startProcess(t, { env: all, ...(cwd && { cwd }) })
    t.equal(await service.ended(), 1, name)
    t.match(linesOf(service.stderr()), [{ level: 60, event: 'sys_crash', time: Number, ...expected }], name)
    t.equal(linesOf(service.stderr()).length, 1, name)
    for (const line of linesOf(service.stdout())) t.ok(line['level'], name)
    t.notMatch(service.stderr() + service.stdout(), /geheim/, name)
  }
})

t.test('in production warnings of Node, output of libraries and a crash are JSON lines', async t => {
  const preload = join(emptyFolder(t), 'preload.mjs')
  writeFileSync(
    preload,
    `import { isMainThread } from 'node:worker_threads'
    const { console } = globalThis
    // The mail thread, once its modules are loaded.
    const timer = isMainThread ? undefined : setInterval(() => {
      if (globalThis.console === console) return
      clearInterval(timer)
      globalThis.console.error('printed by the mail thread')
      process.emitWarning('an old way of mails')
    }, 5)
    if (isMainThread) process.on('SIGUSR2', () => {
      const { console } = globalThis
      process.emitWarning('an old way of ada@example.org')
      console.log('printed by\\n', { a: 'library' })
      console.error('and to standard error')
      setImmediate(() => { throw new TypeError('nobody catches this') })
    })`,
  )
  const service = startProcess(t, {
    env: serviceEnvironment({
      ...PRODUCTION,
      DATABASE_URL: 'file:./accounts.db',
      NODE_OPTIONS: `--import=${pathToFileURL(preload)}`,
    }),
  })
  const url = await service.listening()
  await fetch(`${url}/password-reset/request`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'nobody@example.org' }),
  })
  await until('the mail thread has written', () => service.stderr().includes('an old way of mails'))
  t.equal(await service.end('SIGUSR2'), 1)
  t.match(
    linesOf(service.stdout()).filter(({ part }) => part === 'console'),
    [{ level: 30, msg: /^printed by/ }],
  )
  t.match(linesOf(service.stderr()), [
    { level: 50, part: 'console', msg: 'printed by the mail thread' },
    { level: 40, msg: 'an old way of mails', err: { type: 'Warning' } },
    { level: 50, part: 'console', msg: 'and to standard error' },
    { level: 40, msg: 'an old way of [address]', err: { type: 'Warning', stack: String } },
    { level: 60, event: 'sys_crash', err: { type: 'TypeError', message: 'nobody catches this' } },
  ])
  t.equal(linesOf(service.stderr()).length, 5)
})
