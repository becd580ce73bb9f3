/** The recipes of docs/verify.md, each in a process of its own that knows the service by its address alone. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { accessKeys } from '../../../src/tokens/access-keys.ts'
import { bearer, confirmedAccount, startApp, testEnvironment } from '../../harness/app.ts'
import { freePort } from '../../harness/free-port.ts'
import { emptyFolder } from '../../harness/process.ts'
import { until } from '../../harness/until.ts'
import { claimsOf, encoded, forge, forgeSigned } from '../../unit/tokens/forge.ts'
import { block } from './commands.ts'

const DOCUMENT = 'docs/verify.md'
const APP_URL = 'https://accounts.example.org'
const PYTHON = '/usr/bin/python3'
/** What the document says that it was run with. */
const PACKAGES = [
  'jose@6.2',
  'express@5',
  'fastify@5',
  '@fastify/jwt@10.2',
  'get-jwks@11',
  'fastify-jwt-jwks@3.1',
]

/** A service, one token that is good, and tokens that no recipe may take. */
async function startService(t: Test) {
  const service = await startApp(t, { env: { APP_URL } })
  const { accessToken: good } = await confirmedAccount(service)
  const base = await service.app.listen({ host: '127.0.0.1', port: 0 })
  const [key] = accessKeys({}, [testEnvironment.JWT_SECRET])
  const claims = claimsOf(good)
  const header = { alg: 'ES256', typ: 'at+jwt', kid: key.jwk.kid }
  const signed = (changes: object, head: object = {}) =>
    forgeSigned({ ...claims, ...changes }, key.privateKey, { ...header, ...head })
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const now = claims['iat'] as number
  const bad: Record<string, string> = {
    'another audience': signed({ aud: 'https://other.example' }),
    'another issuer': signed({ iss: 'https://other.example' }),
    expired: signed({ iat: now - 900, exp: now - 6 }),
    'without exp': signed({ exp: undefined }),
    'another typ': signed({}, { typ: 'JWT' }),
    'an unknown kid': signed({}, { kid: 'unknown' }),
    'a strange key': forgeSigned(claims, stranger, header),
    'HMAC with the public key': forge(claims, key.publicKey, { ...header, alg: 'HS256' }),
    unsigned: `${encoded({ ...header, alg: 'none' })}.${encoded(claims)}.`,
    'no token': 'nonsense',
  }
  t.equal(claimsOf(signed({}))['aud'], APP_URL)
  return { base, good, bad, signed, account: claims['sub'] as string }
}

/** The recipes that run on Node, installed as a reader would. */
async function install(t: Test) {
  const folder = emptyFolder(t)
  writeFileSync(join(folder, 'package.json'), '{"type":"module","private":true}')
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--silent', '--prefer-offline']
  await promisify(execFile)('npm', ['install', ...options, ...PACKAGES], { cwd: folder })
  return folder
}

/** Starts a back end of the document, on a free port; its address. */
async function startBackEnd(t: Test, folder: string, source: string, name: string) {
  const port = await freePort()
  writeFileSync(join(folder, `${name}.js`), source.replace('4000', String(port)))
  const child: ChildProcess = spawn(process.execPath, [`${name}.js`], {
    cwd: folder,
    // With `test`, Express prints no error that a response is made of.
    env: { PATH: process.env['PATH'], NODE_ENV: 'test' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const url = `http://127.0.0.1:${port}/orders`
  await until(`${name} listens`, () =>
    fetch(url).then(
      response => response.status > 0,
      () => false,
    ),
  )
  return url
}

t.test('back ends on Node verify by the address of the service alone', async t => {
  const { base, good, bad, account } = await startService(t)
  const folder = await install(t)
  const keysAt = (source: string, address: string) =>
    source
      .replace(/\$\{ISSUER\}(?=\/\.well-known)/, address)
      .replace('domain: ISSUER', `domain: '${address}'`)
  const jose = block(DOCUMENT, 'js jose')
  writeFileSync(join(folder, 'verify.js'), keysAt(jose, base))
  const nobody = `http://127.0.0.1:${await freePort()}`
  writeFileSync(join(folder, 'unreachable.js'), keysAt(jose, nobody))
  for (const name of ['express', 'fastify']) {
    const source = block(DOCUMENT, `js ${name}`)
    const url = await startBackEnd(t, folder, keysAt(source, base), name)
    const ask = (token: string) => fetch(url, { headers: bearer(token) })
    for (let i = 0; i < 2; i++) t.strictSame(await (await ask(good)).json(), { account }, name)
    for (const [what, token] of Object.entries(bad))
      t.equal((await ask(token)).status, 401, `${name}: ${what}`)
    t.equal((await fetch(url)).status, 401, `${name}: no header`)
    t.equal((await ask(good)).status, 200, name)
    const cut = keysAt(source.replace('./verify.js', './unreachable.js'), nobody)
    const headers = bearer(good)
    const { status } = await fetch(await startBackEnd(t, folder, cut, `${name}-cut-off`), { headers })
    t.equal(status, 500, `${name}: keys that cannot be fetched are no fault of the token`)
  }
  const plugin = `import Fastify from 'fastify'
import jwks from 'fastify-jwt-jwks'
const app = Fastify()
await app.register(jwks, { jwksUrl: '${base}/.well-known/jwks.json', issuer: '${APP_URL}', audience: '${APP_URL}' })
app.get('/orders', { preValidation: app.authenticate }, async request => request.user)
await app.listen({ port: 4000 })`
  const url = await startBackEnd(t, folder, plugin, 'plugin')
  const { status } = await fetch(url, { headers: bearer(good) })
  t.equal(status, 401, 'fastify-jwt-jwks knows no ES256: when it does, the document may name it')
})

const noPython =
  spawnSync(PYTHON, ['-c', 'import jwt, cryptography']).status !== 0 && 'python3-jwt is not installed'

t.test('Python verifies by the address of the service alone', { skip: noPython }, async t => {
  const { base, good, bad, signed, account } = await startService(t)
  // Of a service whose clock is ahead, for each second in which Python may verify.
  const now = Math.floor(Date.now() / 1000)
  const ahead = Object.fromEntries(
    Array.from({ length: 300 }, (_, i) => [now + i, signed({ iat: now + i, exp: now + i + 900 })]),
  )
  const folder = emptyFolder(t)
  writeFileSync(
    join(folder, 'run.py'),
    `import json, sys, time
${block(DOCUMENT, 'python').replace('{ISSUER}/.well-known', `${base}/.well-known`)}

tokens = json.load(sys.stdin)
tokens["ahead"] = tokens["ahead"][str(int(time.time()) + 3)]
for name, token in tokens.items():
    try:
        print(json.dumps([name, verify("Bearer " + token)["sub"]]))
    except jwt.PyJWTError as error:
        print(json.dumps([name, type(error).__name__]))
`,
  )
  const child = promisify(execFile)(PYTHON, ['run.py'], { cwd: folder })
  child.child.stdin?.end(JSON.stringify({ good, ahead, ...bad, again: good }))
  const lines = (await child).stdout.trim().split('\n')
  const outcomes: Record<string, string> = Object.fromEntries(lines.map(line => JSON.parse(line)))
  t.strictSame([outcomes['good'], outcomes['ahead'], outcomes['again']], Array(3).fill(account))
  const taken = Object.keys(bad).filter(name => !/(Error|Exception)$/.test(outcomes[name] ?? 'none'))
  t.strictSame(taken, [])
})
