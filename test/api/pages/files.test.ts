import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { LANGUAGES } from '../../../src/messages/messages.ts'
import { startApp } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { PATHS, tagsOf } from './documents.ts'

/** The folder of a page's files, such as `/app/assets/0123456789ab`. */
async function assetsOf(app: FastifyInstance): Promise<string> {
  const { body } = await app.inject('/app/login')
  const style = tagsOf(body).find(({ attributes }) => attributes['rel'] === 'stylesheet')
  return new URL(style?.attributes['href'] ?? '', 'http://x/app/login').pathname.replace('/style.css', '')
}

/** Every module that a page loads: source by path. */
async function modulesOf(app: FastifyInstance, entry: string, found = new Map<string, string>()) {
  if (found.has(entry)) return found
  const { statusCode, body } = await app.inject(entry)
  if (statusCode !== 200) throw new Error(`${entry}: ${statusCode}`)
  found.set(entry, body)
  for (const [, name = ''] of body.matchAll(/^import\b[^'"]*['"]([^'"]+)['"]/gm)) {
    await modulesOf(app, new URL(name, `http://x${entry}`).pathname, found)
  }
  return found
}

t.test('the files of the pages have the right types and are immutable under their version', async t => {
  const { app } = await startApp(t)
  const assets = await assetsOf(app)
  t.match(assets, /^\/app\/assets\/[0-9a-f]{12}$/)
  const types = {
    'style.css': 'text/css; charset=utf-8',
    'mark.svg': 'image/svg+xml',
    'login.js': 'text/javascript; charset=utf-8',
    'words/de.js': 'text/javascript; charset=utf-8',
  }
  for (const [name, type] of Object.entries(types)) {
    const answer = await app.inject(`${assets}/${name}`)
    t.equal(answer.statusCode, 200, name)
    t.equal(answer.headers['content-type'], type, name)
    t.equal(answer.headers['cache-control'], 'public, max-age=31536000, immutable', name)
    t.equal(answer.headers['x-content-type-options'], 'nosniff', name)
    const etag = String(answer.headers.etag)
    t.match(etag, /^"[\w-]{22}"$/, name)
    const again = await app.inject({ url: `${assets}/${name}`, headers: { 'if-none-match': etag } })
    t.equal(again.statusCode, 304, name)
    const head = await app.inject({ method: 'HEAD', url: `${assets}/${name}` })
    t.equal(head.headers['content-length'], answer.headers['content-length'], name)
    isProblemOf(t, await app.inject({ method: 'POST', url: `${assets}/${name}` }), 'method_not_allowed', name)
  }
})

t.test('a page of another version gets the current files, which are not cached', async t => {
  const { app } = await startApp(t)
  const answer = await app.inject('/app/assets/000000000000/login.js')
  t.equal(answer.statusCode, 200)
  t.equal(answer.headers['cache-control'], 'no-cache')
})

t.test('unknown files are a 404', async t => {
  const { app } = await startApp(t)
  const assets = await assetsOf(app)
  for (const name of [
    'nothing.js',
    '',
    'words/',
    'words/tlh.js',
    'login.ts',
    'login.js.map',
    'login.js/',
    'LOGIN.JS',
    '.',
    '..',
    '../src/server.js',
    '..%2fsrc%2fserver.js',
    '%2e%2e/%2e%2e/package.json',
    '..%5c..%5cpackage.json',
    '....//package.json',
    'login.js%00',
    '/etc/passwd',
    '%2fetc%2fpasswd',
    '__proto__',
    'constructor',
    'toString',
  ]) {
    const answer = await app.inject(`${assets}/${name}`)
    isProblemOf(t, answer, 'not_found', name)
    t.equal(answer.headers['cache-control'], 'no-store', name)
  }
})

t.test('a page names every module that it loads, so that one round trip fetches them', async t => {
  const { app } = await startApp(t)
  for (const url of PATHS) {
    for (const language of LANGUAGES) {
      const { body } = await app.inject({ url, headers: { 'accept-language': language } })
      const tags = tagsOf(body)
      const paths = (chosen: typeof tags, attribute: string) =>
        chosen.map(({ attributes }) => new URL(attributes[attribute] ?? '', `http://x${url}`).pathname)
      const preloaded = paths(
        tags.filter(({ attributes }) => attributes['rel'] === 'modulepreload'),
        'href',
      )
      const [entry = ''] = paths(
        tags.filter(tag => tag.name === 'script'),
        'src',
      )
      const loaded = [...(await modulesOf(app, entry)).keys()]
      const words = `${await assetsOf(app)}/words/${language}.js`
      t.same(preloaded.toSorted(), [...loaded, words].toSorted(), `${url} in ${language}`)
    }
  }
})

t.test('the module that removes the token from the address bar comes first', async t => {
  const { app } = await startApp(t)
  const assets = await assetsOf(app)
  for (const page of ['confirm-email', 'reset-password', 'change-email', 'secure']) {
    const { body } = await app.inject(`${assets}/${page}.js`)
    t.match(body, /^(\/\/.*\n)?import ['"]\.\/fragment\.js['"]/, page)
  }
  t.notMatch((await app.inject(`${assets}/fragment.js`)).body, /^import/m, 'and waits for nothing')
})

t.test('no module builds markup, stores a token beyond its tab or calls another host', async t => {
  const { app } = await startApp(t)
  const assets = await assetsOf(app)
  const sources = new Map<string, string>()
  for (const url of PATHS) {
    const page = url.replace(/^\/app\/?/, '') || 'home'
    for (const [path, source] of await modulesOf(app, `${assets}/${page}.js`)) sources.set(path, source)
  }
  t.ok(sources.size >= 25)
  for (const [path, source] of sources) {
    t.notMatch(source, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(/, path)
    t.notMatch(source, /https?:\/\//, path)
    t.notMatch(source, /(keep|setItem)\([^)]*[tT]oken/, path)
    if (/sessionStorage/.test(source) && !/storage\.js$/.test(path)) {
      t.match(path, /fragment\.js$/, 'one module stores an emailed token, for its tab')
      t.notMatch(source, /localStorage/, path)
    }
    t.notMatch(source, /console\.|sourceMappingURL/, path)
  }
})
