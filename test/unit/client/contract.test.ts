/** @latchkey/client: every operation has a method, its types are those of the document, and it is small. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import t from 'tap'
import { type Client, createClient, type Problem } from '../../../client/src/index.ts'
import { headOf, TYPES } from '../../../openapi/client-types.ts'

const root = dirname(fileURLToPath(import.meta.resolve('#root/package.json')))
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const DOCUMENT = read('openapi/openapi.json')

/** Bytes that a front end adds to its bundle: the client with openapi-fetch, minified and compressed. */
const LIMIT = 6000

t.test('the types are generated from the current document', async t => {
  t.ok(readFileSync(TYPES, 'utf8').startsWith(headOf(DOCUMENT)), 'npm run openapi writes both')
  const changed = (from: string, to: string) => headOf(DOCUMENT.replace(from, to)) !== headOf(DOCUMENT)
  t.ok(changed('"invalid_credentials"', '"wrong_credentials"'), 'detects a changed code')
  t.ok(changed('"currentPassword"', '"password"'), 'so is a property')
  t.notOk(changed('"summary": "Log in"', '"summary": "Sign in"'), 'and ignores texts')
})

t.test('every operation has a method', async t => {
  const called = new Set<string>()
  const client = createClient({
    baseUrl: 'http://localhost',
    fetch: async request => {
      const { pathname } = new URL(request.url)
      called.add(`${request.method} ${pathname.replace('/sessions/1', '/sessions/{id}')}`)
      const pair = { accessToken: 'a.e30.c', refreshToken: 'r', tokenType: 'Bearer', expiresIn: 900 }
      return new Response(JSON.stringify(pair), { headers: { 'content-type': 'application/json' } })
    },
  })
  const noCalls = ['getState', 'subscribe', 'onSessionEnd', 'restore', 'refresh', 'accessToken']
  for (const [name, method] of Object.entries(client)) {
    if (noCalls.includes(name)) continue
    await client.login({ email: 'a@example.org', password: 'x' })
    t.match(await method(name === 'endSession' ? '1' : {}), { ok: true }, name)
  }
  await client.login({ email: 'a@example.org', password: 'x' })
  await client.refresh()
  const { paths } = JSON.parse(DOCUMENT) as { paths: Record<string, Record<string, object>> }
  const declared = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map(method => `${method.toUpperCase()} ${path}`),
  )
  t.strictSame([...called].sort(), declared.filter(line => !/\/(health|\.well-known)\//.test(line)).sort())
})

t.test('the client is small, and depends on openapi-fetch only', async t => {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'client/src/index.ts')],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2021',
    write: false,
  })
  const size = gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length
  t.ok(size > 1000 && size <= LIMIT, `${size} bytes`)
  const { dependencies } = JSON.parse(read('client/package.json'))
  t.strictSame(dependencies, {
    'openapi-fetch': JSON.parse(read('package.json')).dependencies['openapi-fetch'],
  })
})

t.test('the codes of each route are known to the compiler', async t => {
  const sentence = (problem: Problem<'logIn', 'cookie_refused'>): string => {
    switch (problem.code) {
      case 'invalid_credentials':
      case 'email_not_confirmed':
      case 'account_disabled':
        return problem.title
      case 'validation_failed':
        return (problem.errors ?? []).map(({ path }) => path).join()
      case 'rate_limited':
      case 'overloaded':
        return `in ${problem.retryAfter} s`
      case 'malformed_json':
      case 'origin_not_allowed':
      case 'payload_too_large':
      case 'unsupported_media_type':
      case 'internal_error':
        return problem.requestId
      case 'network':
      case 'timeout':
      case 'unexpected_response':
      case 'storage':
      case 'cookie_refused':
        return problem.detail
      // @ts-expect-error of another route
      case 'token_spent':
        return ''
    }
  }
  t.type(sentence, 'function')
  // Never called: calls that the compiler must reject.
  const mistakes = async (client: Client) => {
    const result = await client.me()
    // @ts-expect-error the data is there only where it is ok
    result.data
    if (result.ok) {
      const email: string = result.data.email
      // @ts-expect-error no such property
      result.data.password
      return email
    }
    // @ts-expect-error a code of another route
    if (result.problem.code === 'invalid_password') return 'never'
    // @ts-expect-error half of a form
    await client.resetPassword({ code: '12345678', newPassword: 'x' })
    // @ts-expect-error the client adds the mode
    await client.login({ email: '', password: '', mode: 'cookie' })
    return result.problem.code
  }
  t.type(mistakes, 'function')
})

t.test('invalid options are rejected', async t => {
  const storage = { get: () => null, set: () => {}, remove: () => {} }
  t.throws(() => createClient({ baseUrl: 'http://localhost', mode: 'cookie', storage }), /takes no storage/)
  t.throws(() => createClient(), /baseUrl/)
})
