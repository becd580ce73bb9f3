/** Start-up before the process listens, as far as it can be tested without a process. */
import { randomBytes } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { buildApp } from '../../../src/app.ts'
import { banner } from '../../../src/banner.ts'
import { loadConfig } from '../../../src/config/config.ts'
import { VERSION } from '../../../src/shared/version.ts'
import { startApp, testEnvironment } from '../../harness/app.ts'
import { freePort } from '../../harness/free-port.ts'
import { emptyFolder } from '../../harness/process.ts'

t.test('a database that cannot be opened stops the start with one line', async t => {
  const folder = emptyFolder(t)
  writeFileSync(join(folder, 'file'), 'no folder')
  writeFileSync(join(folder, 'garbage.db'), randomBytes(8192))
  for (const path of ['file/below.db', 'garbage.db']) {
    const env = { ...testEnvironment, MAIL_BACKEND: 'console', DATABASE_URL: `file:${folder}/${path}` }
    await t.rejects(buildApp(loadConfig(env)), { message: /^\S.*$/ }, path)
  }
})

t.test('the banner names addresses, database, limits and mail server, and no credentials', async t => {
  const databaseUrl = `postgresql://ada:geheim@127.0.0.1:${await freePort()}/accounts?sslmode=disable&password=geheim`
  const env = {
    REDIS_URL: `redis://:geheim@127.0.0.1:${await freePort()}`,
    RATE_LIMIT: 'on',
    MAIL_SERVER: 'mail.example.org',
    MAIL_PORT: '587',
    MAIL_USE_TLS: 'True',
    MAIL_USERNAME: 'postbote',
    MAIL_PASSWORD: 'geheim',
  }
  const { app, log } = await startApp(t, { databaseUrl, env })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const text = banner(app, undefined)
  t.match(text, new RegExp(`^\n {2}latchkey ${VERSION.replaceAll('.', '\\.')}\n`))
  t.match(
    log[0],
    { msg: 'starting', version: VERSION, node: process.versions.node },
    'the first line of the log',
  )
  t.match(text, /listening on +http:\/\/localhost:\d+\n/)
  t.match(text, /Swagger UI +http:\/\/localhost:\d+\/docs\n/)
  t.match(text, /database +postgresql:\/\/127\.0\.0\.1:\d+\/accounts\n/)
  t.match(text, /links lead to +http:\/\/localhost:3000\n/, 'one spelling everywhere')
  t.match(text, /limits in +redis:\/\/127\.0\.0\.1:\d+\n/)
  t.match(text, /emails go to +SMTP mail\.example\.org:587 \(STARTTLS\)/)
  t.equal(
    (await app.inject('/health/ready')).statusCode,
    503,
    'the service starts without its database, and is not ready',
  )
  t.notMatch(text + JSON.stringify(log), /geheim|postbote/)
})

t.test('without JWT_SECRET a secret is generated once, readable by its owner only', async t => {
  const folder = emptyFolder(t)
  const path = join(folder, 'state/jwt-secret')
  const env = { JWT_SECRET: '', EMAIL_CONFIRMATION: 'off' }
  const databaseUrl = `file:${folder}/state/accounts.db`
  const payload = { email: 'ada@example.org', password: 'correct horse battery staple' }

  const first = await startApp(t, { databaseUrl, env })
  t.equal(statSync(path).mode & 0o777, 0o600)
  const secret = readFileSync(path, 'utf8')
  t.ok(Buffer.from(secret, 'base64url').length >= 32)
  t.equal((await first.app.inject({ method: 'POST', url: '/register', payload })).statusCode, 201)
  const { accessToken } = (await first.app.inject({ method: 'POST', url: '/login', payload })).json()
  await first.app.close()

  const second = await startApp(t, { databaseUrl, env })
  const headers = { authorization: `Bearer ${accessToken}` }
  const me = await second.app.inject({ url: '/me', headers })
  t.equal(me.statusCode, 200, 'a token from before the restart still works')
  t.equal(readFileSync(path, 'utf8'), secret)
  t.notMatch(JSON.stringify([first.log, second.log]), secret)
})
