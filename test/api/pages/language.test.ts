/** The chosen language of the pages. */
import t from 'tap'
import { LANGUAGES } from '../../../src/messages/messages.ts'
import { startApp } from '../../harness/app.ts'

const COOKIE = 'latchkey-language'
const GERMAN = { 'accept-language': 'de' }

t.test('a choice applies at once, and is kept in a cookie that contains the language only', async t => {
  const { app } = await startApp(t, { env: { APP_URL: 'https://example.org/accounts' } })
  for (const language of LANGUAGES) {
    const host = 'example.org'
    for (const url of ['/app', '/app/login', '/app/nowhere']) {
      const headers = { ...GERMAN, accept: 'text/html', host }
      const chosen = await app.inject({ url: `${url}?lang=${language}`, headers })
      t.equal(chosen.headers['content-language'], language, url)
      t.equal(
        chosen.headers['set-cookie'],
        `${COOKIE}=${language}; Path=/accounts/app; Max-Age=31536000; SameSite=Lax; HttpOnly; Secure`,
      )
      const cookie = `other=1; ${COOKIE}=${language}; more=2`
      const later = await app.inject({ url, headers: { ...headers, cookie } })
      t.equal(later.headers['content-language'], language, `${url}, later`)
      t.notOk('set-cookie' in later.headers, 'and not set again')
    }
  }
})

t.test('the newest choice wins: the address, then the cookie, then the browser', async t => {
  const { app } = await startApp(t)
  const headers = { ...GERMAN, cookie: `${COOKIE}=fr` }
  const languageOf = async (url: string, headers: Record<string, string>) =>
    (await app.inject({ url, headers })).headers['content-language']
  t.equal(await languageOf('/app/login?lang=hr', headers), 'hr')
  t.equal(await languageOf('/app/login', headers), 'fr')
  t.equal(await languageOf('/app/login', GERMAN), 'de')
})

t.test('an unknown language changes nothing and is not echoed', async t => {
  const { app } = await startApp(t)
  for (const lang of [
    '',
    'tlh',
    'EN',
    'de-AT',
    'de%0d%0aset-cookie:x=1',
    '__proto__',
    'de;Domain=x',
    '%ff',
  ]) {
    const answer = await app.inject({ url: `/app/login?lang=${lang}`, headers: GERMAN })
    t.equal(answer.statusCode, 200, lang)
    t.equal(answer.headers['content-language'], 'de', lang)
    t.notOk('set-cookie' in answer.headers, lang)
    const cookie = `${COOKIE}=${lang}`
    const stored = await app.inject({ url: '/app/login', headers: { ...GERMAN, cookie } })
    t.equal(stored.headers['content-language'], 'de', `as a cookie: ${lang}`)
  }
})

t.test('over http, as in development, the cookie is kept too', async t => {
  const { app } = await startApp(t)
  const { headers } = await app.inject('/app?lang=es')
  t.notMatch(headers['set-cookie'], /Secure/)
})
