/** Emailed links that something between email and browser has modified. */
import t from 'tap'
import { startApp, tokenIn } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'

const NAVIGATION = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
const PAGES = ['/app/confirm-email', '/app/reset-password', '/app/change-email', '/app/secure']

t.test('a damaged link leads to its page, which says so, and its token is not logged', async t => {
  const { app, smtp, log } = await startApp(t, { env: { APP_URL: 'https://example.org/accounts' } })
  await app.inject({ method: 'POST', url: '/register', payload: { email: 'ada@example.org' } })
  const token = tokenIn((await smtp.waitForMails(1))[0])
  const damages = {
    'an encoded hash': `%23token=${token}`,
    'a hash that was encoded twice': `%2523token=${token}`,
    'a hash and an equals sign, both encoded': `%23token%3D${token}`,
    'a slash before an encoded hash': `/%23token=${token}`,
    'a full-width hash': `%EF%BC%83token=${token}`,
    'a query': `?token=${token}`,
    'a query behind a slash': `/?token=${token}`,
    'a query with more in it': `?utm_source=mail&token=${token}`,
    'an ampersand': `&token=${token}`,
    'a bracket behind the path': ')',
    'a full stop behind the path': '.',
    'an encoded angle bracket': '%3E',
    'an encoded space': '%20',
  }
  for (const [what, damage] of Object.entries(damages)) {
    for (const page of what === 'an encoded hash' ? PAGES : ['/app/confirm-email']) {
      for (const method of ['GET', 'HEAD'] as const) {
        const answer = await app.inject({ method, url: page + damage, headers: NAVIGATION })
        t.equal(answer.statusCode, 302, what)
        t.equal(answer.headers.location, `/accounts${page}#damaged`, what)
        t.equal(answer.body, '')
        t.match(answer.headers['referrer-policy'], 'no-referrer')
      }
    }
  }
  const lines = JSON.stringify(log)
  t.match(lines, '/app/', 'the requests are in the log')
  t.notOk(lines.includes(token), 'and the token is not')
  for (const part of token.split('.')) t.notOk(lines.includes(part), 'nor a part of it')
  const done = await app.inject({
    method: 'POST',
    url: '/confirm-email',
    payload: { token, password: 'correct horse battery staple' },
  })
  t.equal(done.statusCode, 200, 'none of them used it up')
})

t.test('a slash before the hash leads to the page, and the browser keeps the fragment', async t => {
  const { app } = await startApp(t)
  for (const page of PAGES) {
    const { statusCode, headers } = await app.inject(`${page}/`)
    t.strictSame([statusCode, headers.location], [302, page], 'a location without a fragment')
  }
})

t.test('other paths are not treated as damaged links', async t => {
  const { app } = await startApp(t)
  for (const url of [
    '/app/login/there',
    '/app/login-there',
    '/app/nothing%23token=a.b.c',
    '/app/secure/.env',
  ]) {
    t.equal((await app.inject({ url, headers: NAVIGATION })).statusCode, 404, url)
    isProblemOf(t, await app.inject(url), 'not_found', url)
  }
  for (const url of ['/app/login?next=1', '/app/confirm-email?utm_source=mail', '/app/secure?tokens=1']) {
    t.equal((await app.inject({ url, headers: NAVIGATION })).statusCode, 200, url)
  }
  isProblemOf(t, await app.inject({ method: 'POST', url: '/app/secure%23token=a' }), 'not_found')
})
