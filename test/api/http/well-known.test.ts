import t from 'tap'
import { startApp } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'

const url = '/.well-known/change-password'

t.test('redirects password managers to the page for changing the password', async t => {
  const cases: [env: Record<string, string>, location: string][] = [
    [{}, 'http://localhost:3000/app/account'],
    [{ APP_URL: 'https://example.org/accounts/' }, 'https://example.org/accounts/app/account'],
    [
      { CHANGE_PASSWORD_URL: 'https://app.example.org/me?tab=password' },
      'https://app.example.org/me?tab=password',
    ],
    [{ CHANGE_PASSWORD_URL: 'myapp://password', PAGES: 'off' }, 'myapp://password'],
  ]
  for (const [env, location] of cases) {
    const { app } = await startApp(t, { env })
    for (const method of ['GET', 'HEAD'] as const) {
      const hostile = { host: 'evil.example', 'x-forwarded-host': 'evil.example' }
      const answer = await app.inject({ method, url, headers: hostile })
      const name = `${method} with ${JSON.stringify(env)}`
      t.equal(answer.statusCode, 303, name)
      t.equal(answer.headers.location, location, name)
      t.equal(answer.body, '', name)
      t.equal(answer.headers['cache-control'], 'no-store', name)
      t.notOk('set-cookie' in answer.headers, name)
    }
  }
})

t.test('without a page it is a 404', async t => {
  const { app } = await startApp(t, { env: { PAGES: 'off' } })
  isProblemOf(t, await app.inject(url), 'not_found')
})

t.test('is not part of the OpenAPI document', async t => {
  const { app } = await startApp(t)
  t.notOk(JSON.stringify(await app.openapi()).includes(url))
})
