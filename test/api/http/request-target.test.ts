/**
 * The service below a path, and under local host names; test/system/browser/below-a-path.test.ts runs it behind
 * nginx.
 */
import t from 'tap'
import { startApp } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { addressesIn, PATHS } from '../pages/documents.ts'

const NAVIGATION = { accept: 'text/html' }

t.test('below a path', async t => {
  const { app } = await startApp(t, { env: { APP_URL: 'https://example.org/accounts/' } })

  t.test('works behind proxies that strip the path and proxies that keep it', async t => {
    for (const [url, status] of [
      ['/health/live', 200],
      ['/openapi.json', 200],
      ['/docs', 200],
      ['/app/login', 200],
      ['/app/nothing', 404],
      ['/me', 401],
      ['/me?x=/accounts/me', 401],
      ['/', 404],
      ['/%zz', 404],
    ] as const) {
      const stripped = await app.inject(url)
      const passedOn = await app.inject(`/accounts${url}`)
      t.equal(stripped.statusCode, status, url)
      t.equal(passedOn.statusCode, status, `/accounts${url}`)
      const body = (text: string) => text.replace(/"requestId":"[^"]*"/, '')
      t.equal(body(passedOn.body), body(stripped.body), url)
    }
    for (const url of ['/accounts', '/accounts?x=1']) {
      const answer = await app.inject({ url, headers: NAVIGATION })
      t.equal(answer.headers.location, '/accounts/app', url)
    }
    for (const url of [
      '/accountsx/me',
      '/accounts/accounts/me',
      '/ACCOUNTS/me',
      '/accounts%2fme',
      '//accounts/me',
    ]) {
      isProblemOf(t, await app.inject(url), 'not_found', url)
    }
  })

  t.test('responses link below the path', async t => {
    const document = (await app.inject('/accounts/openapi.json')).json()
    t.equal(document.servers[0].url, '/accounts', '"try it out" calls the service')

    for (const url of ['/', ...PATHS.map(path => `${path}/`), '/docs/static/index.html']) {
      for (const prefix of ['', '/accounts']) {
        const answer = await app.inject({ url: prefix + url, headers: NAVIGATION })
        t.equal(answer.statusCode, 302, prefix + url)
        const target = url === '/' ? '/app' : url.replace(/\/(static\/index\.html)?$/, '')
        t.equal(answer.headers.location, `/accounts${target}`, prefix + url)
      }
    }

    const outside: string[] = []
    for (const page of [...PATHS, '/app/nothing', '/docs', '/docs/']) {
      const { body } = await app.inject({ url: `/accounts${page}`, headers: NAVIGATION })
      for (const address of addressesIn(body)) {
        const { pathname } = new URL(address, `https://example.org/accounts${page}`)
        if (!/^\/accounts\/(app|docs)(\/|$)/.test(pathname)) outside.push(`${page}: ${address}`)
      }
    }
    t.strictSame(outside, [])
  })
})

t.test('without a path', async t => {
  const { app } = await startApp(t)

  t.test('a trailing slash redirects for pages only, and never to another host', async t => {
    for (const path of PATHS) {
      for (const method of ['GET', 'HEAD'] as const) {
        const answer = await app.inject({ method, url: `${path}/?next=//evil.example`, headers: NAVIGATION })
        t.equal(answer.statusCode, 302, `${method} ${path}/`)
        t.equal(answer.headers.location, path)
      }
    }
    for (const url of [
      '/me/',
      '/login/',
      '/openapi.json/',
      '/health/live/',
      '//',
      '//evil.example/',
      '//evil.example/app/login/',
      '/app//evil.example/',
      '/app/login//',
      '/app/%2f%2fevil.example/',
    ]) {
      const answer = await app.inject({ url, headers: NAVIGATION })
      t.equal(answer.statusCode, 404, url)
      t.notOk('location' in answer.headers, url)
    }
  })

  t.test('on a local service pages redirect to the host name of emailed links', async t => {
    const page = (host: string, url = '/app/reset-password') =>
      app.inject({ url, headers: { ...NAVIGATION, host } })
    for (const host of ['127.0.0.1:3000', '[::1]:3000']) {
      t.equal((await page(host)).headers.location, 'http://localhost:3000/app/reset-password', host)
    }
    for (const host of [
      'localhost:3000',
      '127.0.0.1:8080',
      '127.0.0.1',
      'evil.example:3000',
      'example.org',
    ]) {
      t.equal((await page(host)).statusCode, 200, host)
    }
    t.equal((await page('127.0.0.1:3000', '/health/live')).statusCode, 200, 'the API responds under each')
  })
})

t.test('a base path that begins like a route needs a proxy that strips it', async t => {
  const { app } = await startApp(t, { env: { APP_URL: 'https://example.org/app' } })
  t.equal((await app.inject({ url: '/app/login' })).statusCode, 200, 'the page, which was /app/app/login')
  isProblemOf(t, await app.inject('/login'), 'method_not_allowed')
  t.equal((await app.inject({ url: '/', headers: NAVIGATION })).headers.location, '/app/app')
})

t.test('DOCS=off removes Swagger UI and keeps openapi.json', async t => {
  const { app } = await startApp(t, { env: { DOCS: 'off' } })
  for (const url of ['/docs', '/docs/', '/docs/json', '/docs/yaml', '/docs/static/swagger-ui-bundle.js']) {
    isProblemOf(t, await app.inject({ url, headers: NAVIGATION }), 'not_found', url)
  }
  t.equal((await app.inject('/openapi.json')).json().openapi, '3.1.0')
})
