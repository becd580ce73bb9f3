/** The front end of docs/cookie-mode.md is run, in what stands for a browser, against the real service. */
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { confirmedAccount, startApp, testClock } from '../../harness/app.ts'
import { cookieIn } from '../../harness/cookie.ts'

interface FrontEnd {
  logIn(email: string, password: string): Promise<Response>
  refresh(): Promise<Response>
  call(path: string, method?: string, body?: object): Promise<Response>
  logOut(): Promise<Response>
}

const document = readFileSync(new URL(import.meta.resolve('#root/docs/cookie-mode.md')), 'utf8')
const ORIGIN = 'https://app.example.org'

/** The code of the document for another service, loaded anew, as by a reload of the page. */
let loads = 0
async function load(base: string): Promise<FrontEnd> {
  const code = /```js\n(.*?)```/s.exec(document)?.[1]?.replace('https://accounts.example.org', base)
  if (!code?.includes(base)) throw new Error('the document has no such code')
  return import(`data:text/javascript,${encodeURIComponent(code)}//${++loads}`)
}

t.test('the front end of the document logs in, stays logged in over a reload, and logs out', async t => {
  const time = testClock()
  const env = { CORS_ORIGINS: ORIGIN, REFRESH_GRACE: '0' }
  const service = await startApp(t, { env, overrides: { clock: time.clock } })
  const { email, password } = await confirmedAccount(service)
  await service.app.listen({ host: '127.0.0.1', port: 0 })
  const base = `http://127.0.0.1:${(service.app.server.address() as AddressInfo).port}`

  // What the browser adds: the origin, the cookie for its path, and keeping the cookies of answers.
  const real = globalThis.fetch
  t.teardown(() => {
    globalThis.fetch = real
  })
  const requests: string[] = []
  let jar: string | undefined
  globalThis.fetch = async (input, init) => {
    const { pathname } = new URL(String(input))
    requests.push(pathname)
    const headers = new Headers(init?.headers)
    headers.set('origin', ORIGIN)
    if (init?.credentials === 'include' && pathname === '/token/refresh' && jar) headers.set('cookie', jar)
    const answer = await real(input, { ...init, headers })
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

  const page = await load(base)
  t.equal((await page.refresh()).status, 401, 'nobody is signed in')
  t.equal((await page.logIn(email, 'a wrong password')).status, 401)
  t.equal((await page.logIn(email, password)).status, 200)
  t.equal((await page.call('/me')).status, 200)

  for (const [path, method, body] of [
    ['/password-change/request', 'POST', {}],
    ['/email-change/request', 'POST', { newEmail: 'new@example.org' }],
    ['/me', 'DELETE', {}],
  ] as const) {
    requests.length = 0
    const refused = await page.call(path, method, { ...body, currentPassword: 'not this one' })
    t.equal(refused.status, 403)
    t.match(await refused.json(), { code: 'invalid_password' })
    t.strictSame(requests, [path], 'a wrong current password is sent once, and causes no refresh')
  }

  time.advance(1000)
  requests.length = 0
  const answers = await Promise.all([page.call('/me'), page.call('/sessions'), page.call('/me')])
  for (const { status } of answers) t.equal(status, 200, 'an access token that has run out is made good')
  t.equal(requests.filter(path => path === '/token/refresh').length, 1, 'by one refresh for all three')

  const reloaded = await load(base)
  t.equal((await reloaded.call('/me')).status, 200, 'after a reload somebody is signed in')
  time.advance(1000)
  requests.length = 0
  t.equal((await reloaded.logOut()).status, 204)
  t.strictSame(requests, ['/logout'], 'log out works with an access token that has expired')
  t.equal(jar, undefined, 'and the cookie is gone')
  requests.length = 0
  t.equal((await reloaded.call('/me')).status, 401)
  t.strictSame(requests, ['/me', '/token/refresh'], 'it tries once, not in a loop')
})
