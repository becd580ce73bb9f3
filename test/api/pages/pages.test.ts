import t, { type Test } from 'tap'
import { LANGUAGES } from '../../../src/messages/messages.ts'
import { startApp } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { PATHS } from './documents.ts'

/** The Accept header of a browser that navigates. */
const NAVIGATION = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }

function isGuarded(t: Test, headers: Record<string, unknown>, name: string) {
  const csp = String(headers['content-security-policy']).split(/;\s*/)
  for (const directive of [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ]) {
    t.ok(csp.includes(directive), `${name}: ${directive}`)
  }
  t.notMatch(csp.join(), /unsafe|data:|\*|https?:/, `${name}: nothing is let in`)
  t.match(headers, {
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  })
}

t.test('every page exists in every language', async t => {
  const { app } = await startApp(t)
  for (const url of PATHS) {
    const bodies = new Set<string>()
    for (const language of LANGUAGES) {
      const headers = { ...NAVIGATION, 'accept-language': `${language}-XX, en;q=0.5` }
      const { statusCode, headers: fields, body } = await app.inject({ url, headers })
      const name = `${url} in ${language}`
      t.equal(statusCode, 200, name)
      t.equal(fields['content-type'], 'text/html; charset=utf-8', name)
      t.equal(fields['content-language'], language, name)
      t.equal(fields['cache-control'], 'no-cache', name)
      t.equal(fields['vary'], 'accept-language, cookie', name)
      t.ok(body.startsWith(`<!doctype html>\n<html lang="${language}"`), name)
      t.notOk('set-cookie' in fields, name)
      isGuarded(t, fields, name)
      bodies.add(body)
    }
    t.equal(bodies.size, LANGUAGES.length, `${url}: no two languages are alike`)
  }
})

t.test('without a supported language the pages are in English', async t => {
  const { app } = await startApp(t)
  for (const language of [undefined, '', '*', 'tlh', 'x'.repeat(500), ';;;q=', 'en;q=0']) {
    const headers = language === undefined ? {} : { 'accept-language': language }
    const answer = await app.inject({ url: '/app/login', headers })
    t.equal(answer.headers['content-language'], 'en', String(language))
  }
})

t.test('a page is sent again only when it changed', async t => {
  const { app } = await startApp(t)
  for (const url of PATHS) {
    const first = await app.inject(url)
    const etag = String(first.headers.etag)
    t.match(etag, /^"[\w-]{22}"$/)
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await app.inject({ url, headers: { 'if-none-match': known } })
      t.equal(again.statusCode, 304, `${url}: ${known}`)
      t.equal(again.body, '')
      t.equal(again.headers.etag, etag)
      t.match(again.headers['content-security-policy'], /script-src 'self'/)
    }
    const other = await app.inject({ url, headers: { 'if-none-match': '"other"' } })
    t.equal(other.statusCode, 200)
    const german = await app.inject({ url, headers: { 'if-none-match': etag, 'accept-language': 'de' } })
    t.equal(german.statusCode, 200, 'another language is another page')
  }
})

t.test('HEAD responds like GET, and other methods are refused', async t => {
  const { app } = await startApp(t)
  for (const url of PATHS) {
    const got = await app.inject(url)
    const head = await app.inject({ method: 'HEAD', url })
    t.equal(head.statusCode, 200, url)
    t.equal(head.body, '')
    for (const field of ['etag', 'content-type', 'content-length', 'content-language']) {
      t.equal(head.headers[field], got.headers[field], `${url}: ${field}`)
    }
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
      const answer = await app.inject({ method, url })
      isProblemOf(t, answer, 'method_not_allowed', `${method} ${url}`)
      t.equal(answer.headers.allow, 'GET, HEAD')
    }
    const form = { 'content-type': 'application/x-www-form-urlencoded', ...NAVIGATION }
    const submitted = await app.inject({ method: 'POST', url, headers: form, payload: 'password=secret' })
    isProblemOf(t, submitted, 'method_not_allowed', `a form sent to ${url}`)
  }
})

t.test('a 404 is a page for browsers and a problem document for other clients', async t => {
  const { app } = await startApp(t)
  for (const url of [
    '/app/nothing',
    '/app/login//',
    '/app//evil.example/',
    '/app/a/b/c',
    '/app/%zz',
    '/app/assets',
    '/app/..%2f',
  ]) {
    const page = await app.inject({ url, headers: { ...NAVIGATION, 'accept-language': 'fr' } })
    t.equal(page.statusCode, 404, url)
    t.match(page.headers['content-type'], 'text/html')
    t.match(page.body, '<html lang="fr"')
    t.match(page.body, 'data-page="error"')
    t.notMatch(page.body, /<script/)
    t.equal(page.headers['cache-control'], 'no-store')
    t.equal(page.headers['vary'], 'accept, accept-language, cookie')
    isGuarded(t, page.headers, url)
    const home = /<main.*?href="([^"]+)"/s.exec(page.body)?.[1] ?? ''
    const { pathname } = new URL(home, `https://example.org/auth${url}`)
    t.equal(pathname, '/auth/app', `${url} leads home by ${home}`)
    for (const accept of ['application/json', '*/*', undefined]) {
      isProblemOf(t, await app.inject({ url, headers: accept ? { accept } : {} }), 'not_found', url)
    }
  }
})

t.test('a rate-limited browser gets a page that says how long to wait', async t => {
  const { app } = await startApp(t, { env: { RATE_LIMIT: 'on' } })
  for (let i = 0; i < 100; i++) await app.inject('/nowhere')
  const page = await app.inject({ url: '/app/login', headers: NAVIGATION })
  t.equal(page.statusCode, 429)
  t.match(page.headers['content-type'], 'text/html')
  const wait = String(page.headers['retry-after'])
  t.match(wait, /^[1-9]\d?$/)
  t.match(page.body, wait === '60' ? 'Wait for 1 minute' : `Wait for ${wait} second`)
  isProblemOf(t, await app.inject('/app/login'), 'rate_limited')
})

t.test('the root redirects browsers to the pages', async t => {
  const { app } = await startApp(t)
  const answer = await app.inject({ url: '/', headers: NAVIGATION })
  t.equal(answer.statusCode, 302)
  t.equal(answer.headers.location, '/app')
  isProblemOf(t, await app.inject('/'), 'not_found')
})

t.test('PAGES=off serves the API only', async t => {
  const { app } = await startApp(t, { env: { PAGES: 'off' } })
  for (const url of ['/', ...PATHS, '/app/assets/x/style.css', '/app/nothing']) {
    isProblemOf(t, await app.inject({ url, headers: NAVIGATION }), 'not_found', url)
    isProblemOf(t, await app.inject({ method: 'POST', url }), 'not_found', `POST ${url}`)
  }
})

t.test('the OpenAPI document does not contain the pages', async t => {
  const { app } = await startApp(t)
  t.same(
    Object.keys((await app.openapi()).paths ?? {}).filter(path => path.startsWith('/app')),
    [],
  )
})
