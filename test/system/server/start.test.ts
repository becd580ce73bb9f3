import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { freshDatabase } from '../../harness/database.ts'
import { freePort } from '../../harness/free-port.ts'
import { emptyFolder, serviceEnvironment, startProcess } from '../../harness/process.ts'

const json = (method: string, body: object) => ({
  method,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

t.test('a bad configuration is told in one screen, all of it at once, and nothing starts', async t => {
  const cwd = emptyFolder(t)
  const service = startProcess(t, {
    cwd,
    env: {
      NODE_ENV: 'production',
      PORT: 'eighty',
      ACCESS_TOKEN_TTL: '-1',
      MAIL_USE_TLS: 'perhaps',
      DATABASE_URL: 'mysql://root:geheim@localhost/x',
      JWT_SECRET: 'geheim',
    },
  })
  t.equal(await service.ended(), 1)
  const told = service.stderr()
  for (const name of ['PORT', 'ACCESS_TOKEN_TTL', 'MAIL_USE_TLS', 'DATABASE_URL', 'JWT_SECRET']) {
    t.match(told, new RegExp(`^ {2}${name}: expected `, 'm'))
  }
  t.match(told, /\.env\.example/)
  t.notMatch(told, /\n\s+at |node:internal|Error:/, 'no stack')
  t.notMatch(told, /geheim/, 'no secret')
  t.ok(told.split('\n').length <= 24, 'one screen')
  t.equal(service.stdout(), '')
  t.notOk(existsSync(join(cwd, 'data')), 'and no file was made')
})

t.test('a port that is taken is told plainly', async t => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const address = taken.address()
  const port = String(typeof address === 'object' ? address?.port : '')
  const service = startProcess(t, {
    env: serviceEnvironment({ PORT: port, DATABASE_URL: await freshDatabase(t) }),
  })
  t.equal(await service.ended(), 1)
  t.match(service.stderr(), new RegExp(`^latchkey cannot start: .*EADDRINUSE.*127\\.0\\.0\\.1:${port}\n$`))
})

t.test('a database that cannot be opened is told plainly', async t => {
  const cwd = emptyFolder(t)
  writeFileSync(join(cwd, 'file'), 'no folder')
  writeFileSync(join(cwd, 'garbage.db'), randomBytes(8192))
  for (const path of ['file/below.db', 'garbage.db']) {
    const service = startProcess(t, { cwd, env: serviceEnvironment({ DATABASE_URL: `file:./${path}` }) })
    t.equal(await service.ended(), 1)
    t.match(service.stderr(), /^latchkey cannot start: \S.*\n$/, path)
  }
})

t.test('the banner says where it listens, which database, where mails go and where the docs are', async t => {
  const port = await freePort()
  const service = startProcess(t, {
    env: serviceEnvironment({
      PORT: String(port),
      DATABASE_URL: `postgresql://ada:geheim@127.0.0.1:${await freePort()}/accounts?sslmode=disable&password=geheim`,
      REDIS_URL: `redis://:geheim@127.0.0.1:${await freePort()}`,
      RATE_LIMIT: 'on',
      MAIL_BACKEND: 'smtp',
      MAIL_SERVER: 'mail.example.org',
      MAIL_PORT: '587',
      MAIL_USE_TLS: 'True',
      MAIL_USERNAME: 'postbote',
      MAIL_PASSWORD: 'geheim',
    }),
  })
  const url = await service.listening()
  t.equal(url, `http://127.0.0.1:${port}`)
  const ready = await fetch(`${url}/health/ready`)
  t.equal(ready.status, 503, 'a database that is away is no reason not to start, but not to be ready')
  t.equal(((await ready.json()) as { code: string }).code, 'not_ready')
  t.equal((await fetch(`${url}/health/live`)).status, 200)
  const told = service.stdout()
  t.match(told, /Swagger UI +http:\/\/127\.0\.0\.1:\d+\/docs\n/)
  t.match(told, /database +postgresql:\/\/127\.0\.0\.1:\d+\/accounts\n/)
  t.match(told, /limits in +redis:\/\/127\.0\.0\.1:\d+\n/)
  t.match(told, /mails go to +SMTP mail\.example\.org:587 \(STARTTLS\)/)
  t.notMatch(told + service.stderr(), /geheim|postbote/, 'no credentials, in the log lines either')
})

t.test(
  'what production takes and may be an oversight is warned of, once, before anybody is served',
  async t => {
    const settings = {
      NODE_ENV: 'production',
      JWT_SECRET: randomBytes(48).toString('base64'),
      RATE_LIMIT: 'on',
      DATABASE_URL: 'file:./accounts.db',
      MAIL_BACKEND: 'smtp',
      ARGON2_MEMORY_KIB: '19456',
      ARGON2_TIME_COST: '2',
    }
    const service = startProcess(t, { env: serviceEnvironment({ ...settings, EMAIL_CONFIRMATION: 'off' }) })
    await service.listening()
    await service.end('SIGINT')
    const warnings = service.log().filter(({ level }) => level === 40)
    t.strictSame(
      warnings.map(({ variable }) => variable),
      ['EMAIL_CONFIRMATION', 'APP_URL'],
    )
    for (const { msg } of warnings) t.match(msg, /^\S.{20,}/, 'says what comes of it')
  },
)

t.test('a name with several addresses is one listener, with every answer of the service', async t => {
  // Every address of 127.0.0.0/8 is this machine; not every machine has the name `localhost` twice.
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
  t.equal(await ask('127.0.0.2'), 'ECONNREFUSED', 'a second listener would answer without us')
  t.equal(await service.end('SIGINT'), 0)
})

t.test('a host that has no address is told plainly', async t => {
  const service = startProcess(t, {
    env: serviceEnvironment({ HOST: 'nowhere.invalid', DATABASE_URL: await freshDatabase(t) }),
  })
  t.equal(await service.ended(), 1)
  t.match(service.stderr(), /^latchkey cannot start: .*nowhere\.invalid\n$/)
})

t.test('without a secret in the configuration one is made once, for the owner alone, and kept', async t => {
  const cwd = emptyFolder(t)
  const { JWT_SECRET: _, ...env } = serviceEnvironment({
    DATABASE_URL: 'file:./state/accounts.db',
    EMAIL_CONFIRMATION: 'off',
  })
  const path = join(cwd, 'state/jwt-secret')
  const first = startProcess(t, { cwd, env })
  let url = await first.listening()
  t.equal(statSync(path).mode & 0o777, 0o600)
  const secret = readFileSync(path, 'utf8')
  t.ok(Buffer.from(secret, 'base64url').length >= 32)
  const account = { email: 'ada@example.org', password: 'correct horse battery staple' }
  t.equal((await fetch(`${url}/register`, json('POST', account))).status, 201)
  const logIn = await fetch(`${url}/login`, json('POST', account))
  const { accessToken } = (await logIn.json()) as { accessToken: string }
  await first.end('SIGINT')

  const second = startProcess(t, { cwd, env })
  url = await second.listening()
  const me = await fetch(`${url}/me`, { headers: { authorization: `Bearer ${accessToken}` } })
  t.equal(me.status, 200, 'a token from before the restart still works')
  t.equal(readFileSync(path, 'utf8'), secret)
  t.notMatch(first.stdout() + second.stdout(), secret)
})

t.test('a .env in the working directory is read, and the environment wins over it', async t => {
  const cwd = emptyFolder(t)
  writeFileSync(join(cwd, '.env'), 'LOG_LEVEL=silent\nSERVICE_NAME="from the file"\nMAIL_PORT=none\n')
  const service = startProcess(t, { cwd, env: serviceEnvironment({ DATABASE_URL: await freshDatabase(t) }) })
  t.equal(await service.ended(), 1)
  t.match(service.stderr(), /^ {2}MAIL_PORT: expected/m)
  const { LOG_LEVEL: __, ...env } = serviceEnvironment({
    DATABASE_URL: await freshDatabase(t),
    MAIL_PORT: '25',
  })
  const silent = startProcess(t, { cwd, env })
  await fetch(`${await silent.listening()}/health/live`)
  await silent.end('SIGINT')
  t.strictSame(silent.log(), [], 'what the environment lacks comes from the file')
})

t.test('log lines are JSON, one for each request, with its id and without its query', async t => {
  const service = startProcess(t, { env: serviceEnvironment({ DATABASE_URL: await freshDatabase(t) }) })
  const url = await service.listening()
  const ids: (string | null)[] = []
  for (const path of ['/health/live?token=geheim', '/nowhere?x=geheim', '/me', '/%ZZ?token=geheim']) {
    ids.push((await fetch(url + path)).headers.get('x-request-id'))
  }
  await service.end('SIGINT')
  const answered = service.log().filter(({ msg }) => msg === 'answered')
  // On a connection each, so in no order that is promised.
  t.strictSame(answered.map(({ requestId }) => requestId).sort(), [...ids].sort())
  const nowhere = answered.find(({ requestId }) => requestId === ids[1])
  t.match(nowhere, { method: 'GET', path: '/nowhere', status: 404, ms: Number, ip: '127.0.0.1' })
  t.notMatch(service.stdout(), /geheim/)
  const afterBanner = service.stdout().slice(service.stdout().indexOf('links lead to')).split('\n').slice(1)
  for (const line of afterBanner.filter(line => line !== '')) t.doesNotThrow(() => JSON.parse(line), line)
})
