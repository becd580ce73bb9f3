/** Runs the front end of docs/cookie-mode.md against the service, in a simulated browser of another origin. */
import { readFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import type { Client } from '../../../client/src/index.ts'
import { confirmedAccount, startApp } from '../../harness/app.ts'
import { cookieIn } from '../../harness/cookie.ts'

interface FrontEnd {
  latchkey: Client
  logIn(email: string, password: string): Promise<string | undefined>
}

const read = (path: string) => readFileSync(new URL(import.meta.resolve(`#root/${path}`)), 'utf8')
const document = read('docs/cookie-mode.md')
const ORIGIN = 'https://app.example.org'

t.test('the examples in the document are the tested files', async t => {
  const faults = ['react', 'vue', 'react-native'].filter(
    name => !document.includes(`\`\`\`ts ${name}\n${read(`client/examples/${name}.ts`)}\`\`\``),
  )
  t.strictSame(faults, [])
})

t.test('the front end of the document logs in, keeps the session across a reload, and logs out', async t => {
  const service = await startApp(t, { env: { CORS_ORIGINS: ORIGIN } })
  const { email, password } = await confirmedAccount(service)
  await service.app.listen({ host: '127.0.0.1', port: 0 })
  const base = `http://127.0.0.1:${(service.app.server.address() as AddressInfo).port}`

  // Adds what a browser adds: the origin, and the cookie for its path; keeps the cookies of responses.
  const real = globalThis.fetch
  t.teardown(() => {
    globalThis.fetch = real
  })
  let jar: string | undefined
  globalThis.fetch = async input => {
    const request = input as Request
    const headers = new Headers(request.headers)
    headers.set('origin', ORIGIN)
    const isRefresh = new URL(request.url).pathname === '/token/refresh'
    if (request.credentials === 'include' && isRefresh && jar) headers.set('cookie', jar)
    const answer = await real(new Request(request, { headers }))
    t.equal(answer.headers.get('access-control-allow-origin'), ORIGIN)
    t.equal(answer.headers.get('access-control-allow-credentials'), 'true')
    const [set] = answer.headers.getSetCookie()
    if (set !== undefined) {
      jar = /Max-Age=0/.test(set)
        ? undefined
        : `__Secure-latchkey-refresh=${cookieIn({ statusCode: 200, headers: { 'set-cookie': set }, body: '' })}`
    }
    return answer
  }

  const folder = t.testdir()
  const code = /```js\n(.*?)```/s
    .exec(document)?.[1]
    ?.replace('https://accounts.example.org', base)
    .replace('@latchkey/client', new URL('../../../client/src/index.js', import.meta.url).href)
  const load = async (name: string): Promise<FrontEnd> => {
    writeFileSync(join(folder, name), code ?? '')
    return import(pathToFileURL(join(folder, name)).href)
  }
  const page = await load('page.mjs')
  t.match(await page.logIn(email, 'a wrong password'), /wrong/)
  t.equal(await page.logIn(email, password), undefined)
  t.match(await page.latchkey.me(), { ok: true, data: { email } })
  const { latchkey } = await load('reloaded.mjs')
  t.match(await latchkey.restore(), { status: 'logged_in' })
  t.match(await latchkey.logout(), { ok: true })
  t.equal(jar, undefined, 'the cookie is gone')
})
