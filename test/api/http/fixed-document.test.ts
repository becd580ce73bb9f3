/** Compression and caching of fixed documents. */
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import t from 'tap'
import { confirmedAccount, startApp } from '../../harness/app.ts'

/** Large documents that are the same for every client. */
const FIXED = [
  '/openapi.json',
  '/docs/json',
  '/docs/static/swagger-ui-bundle.js',
  '/docs/static/swagger-ui-standalone-preset.js',
  '/docs/static/swagger-ui.css',
]

t.test('compresses fixed documents for clients that accept it, and nothing else', async t => {
  const service = await startApp(t)
  const { app } = service
  const page = (await app.inject('/app/login')).body
  const style = new URL(/href="([^"]+style\.css)"/.exec(page)?.[1] ?? '', 'http://x/app/login').pathname
  const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers })
  for (const url of [...FIXED, style]) {
    const plain = await get(url)
    t.equal(plain.statusCode, 200, url)
    t.equal(plain.headers['content-encoding'], undefined, url)
    const forms = [
      ['br', 'gzip, deflate, br, zstd', brotliDecompressSync],
      ['gzip', 'GZIP', gunzipSync],
      ['gzip', 'br;q=0, gzip;q=0.5', gunzipSync],
    ] as const
    const etags = new Set([plain.headers.etag])
    for (const [coding, accepted, decompress] of forms) {
      const answer = await get(url, { 'accept-encoding': accepted })
      t.equal(answer.headers['content-encoding'], coding, `${url} for ${accepted}`)
      t.equal(decompress(answer.rawPayload).toString(), plain.body, url)
      t.equal(answer.headers['content-length'], String(answer.rawPayload.length))
      t.equal(answer.headers['content-type'], plain.headers['content-type'])
      etags.add(answer.headers.etag)
      for (const tag of [
        answer.headers.etag,
        `W/${answer.headers.etag}`,
        `"x", ${answer.headers.etag}`,
        '*',
      ]) {
        const again = await get(url, { 'accept-encoding': accepted, 'if-none-match': String(tag) })
        t.equal(again.statusCode, 304, `${url}: ${tag}`)
        t.equal(again.body, '')
        t.equal(again.headers.etag, answer.headers.etag)
        t.match(again.headers['vary'], /\baccept-encoding\b/)
      }
    }
    t.equal(etags.size, 3, `${url}: each coding has an ETag of its own`)
    for (const accepted of ['identity', '', 'br;q=0, gzip;q=0', 'deflate, zstd']) {
      const answer = await get(url, { 'accept-encoding': accepted })
      t.equal(answer.headers['content-encoding'], undefined, `${url} for ${JSON.stringify(accepted)}`)
      t.match(answer.headers['vary'], /\baccept-encoding\b/, url)
    }
    const head = await app.inject({ method: 'HEAD', url, headers: { 'accept-encoding': 'br' } })
    t.equal(head.headers['content-encoding'], 'br', url)
  }

  const { accessToken } = await confirmedAccount(service)
  const others = [
    '/app/login',
    '/docs/',
    '/me',
    '/me/export',
    '/me/events?limit=100',
    '/nowhere',
    '/health/live',
  ]
  for (const url of others) {
    const answer = await get(url, { 'accept-encoding': 'br, gzip', authorization: `Bearer ${accessToken}` })
    t.equal(answer.headers['content-encoding'], undefined, url)
  }
})

t.test('clients keep fixed documents and ask each time whether they have changed', async t => {
  const { app } = await startApp(t)
  for (const url of FIXED) {
    const whole = await app.inject(url)
    const unchanged = await app.inject({ url, headers: { 'if-none-match': String(whole.headers.etag) } })
    t.strictSame([whole.statusCode, unchanged.statusCode], [200, 304], url)
    for (const { headers } of [whole, unchanged]) {
      t.match(headers, { 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' }, url)
    }
  }
})

t.test('parallel first requests each get the whole document', async t => {
  const { app } = await startApp(t)
  const headers = { 'accept-encoding': 'br' }
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => app.inject({ url: '/openapi.json', headers })),
  )
  const [first] = answers
  t.match(brotliDecompressSync(first?.rawPayload as Buffer).toString(), /^\{"openapi":"3\.1\.0"/)
  for (const { rawPayload } of answers) t.ok(rawPayload.equals(first?.rawPayload as Buffer))
})
