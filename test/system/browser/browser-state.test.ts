/** Where tokens are stored and sent, and which requests the pages send. */
import type { Page, Request } from 'playwright-core'
import t from 'tap'
import { confirmedAccount, resetToken } from '../../harness/app.ts'
import { startBrowser, startSite } from '../../harness/browser.ts'
import {
  confirms,
  errorOf,
  fill,
  linkIn,
  logsIn,
  NEW_PASSWORD,
  PASSWORD,
  press,
  registers,
  send,
  waitForAccount,
  waitForView,
} from './steps.ts'

const person = await startBrowser(t)
const email = 'ada@example.org'
const COOKIE = '__Secure-latchkey-refresh'

/** API calls from now on. */
function callsOf(page: Page): Request[] {
  const calls: Request[] = []
  page.on('request', request => {
    if (!new URL(request.url()).pathname.startsWith('/app')) calls.push(request)
  })
  return calls
}

t.test(
  'the refresh token is in a cookie for one path, the access token in memory, a hint in storage',
  async t => {
    const site = await startSite(t)
    const { page, context } = await person(t, site)
    await registers(page, site, email)
    const cookies = await context.cookies(`${site.url}/token/refresh`)
    t.match(cookies, [
      { name: COOKIE, httpOnly: true, secure: true, sameSite: 'Strict', path: '/token/refresh' },
    ])
    t.equal(cookies.length, 1)
    t.strictSame(await context.cookies(`${site.url}/me`), [], 'it is sent nowhere else')
    t.equal(await page.evaluate('document.cookie'), '', 'no script can read it')
    const stored = (await page.evaluate(
      'JSON.stringify([{ ...localStorage }, { ...sessionStorage }])',
    )) as string
    t.notMatch(stored, /eyJ|[\w-]{40}/)
    t.notOk(stored.includes(cookies[0]?.value as string))
    const markup = await page.content()
    t.notMatch(markup, /eyJ/)
    await press(page, 'log-out')
    await page.waitForURL(/\/app\/login$/)
    t.strictSame(await context.cookies(`${site.url}/token/refresh`), [], 'a logout removes the cookie')
  },
)

t.test(
  "a stranger's visit asks the API for nothing, and a link for no more than whether it is good",
  async t => {
    const site = await startSite(t)
    const { page } = await person(t, site)
    const calls = callsOf(page)
    for (const path of [
      '',
      '/login',
      '/register',
      '/forgot-password',
      '/confirm-email',
      '/secure',
      '/change-email',
    ]) {
      await page.goto(`${site.url}/app${path}${path.includes('e') ? '#token=a.b.c' : ''}`)
      await page.waitForLoadState('networkidle')
    }
    t.strictSame(
      calls.map(call => call.url()),
      [],
    )
    await confirmedAccount(site, email, PASSWORD)
    await page.goto(`${site.url}/app/reset-password#token=${await resetToken(site, email)}`)
    await waitForView(page, 'form')
    t.strictSame(
      calls.map(call => new URL(call.url()).pathname),
      ['/password-reset/check'],
    )
  },
)

t.test('no token and no password is in a logged address', async t => {
  const site = await startSite(t)
  const { page } = await person(t, site)
  await registers(page, site, email)
  await press(page, 'log-out')
  await page.waitForURL(/\/app\/login$/)
  await page.goto(`${site.url}/app/reset-password#token=${await resetToken(site, email)}`)
  await waitForView(page, 'form')
  await send(page, 'reset', { newPassword: NEW_PASSWORD, repeat: NEW_PASSWORD })
  await page.waitForURL(/\/app\/login$/)
  const lines = site.log.map(line => JSON.stringify(line))
  t.ok(lines.some(line => line.includes('/app/reset-password')))
  t.notOk(lines.some(line => /token=|eyJ|correct horse|correct batteries/.test(line)))
})

t.test(
  'one click sends one request, however slow the response and however often the button is pressed',
  async t => {
    const site = await startSite(t)
    const { page } = await person(t, site)
    await confirmedAccount(site, email, PASSWORD)
    let release = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    await page.route('**/login', async route => {
      if (route.request().method() === 'POST') await held
      await route.continue()
    })
    await page.goto(`${site.url}/app/login`)
    const calls = callsOf(page)
    await fill(page, 'login', { email, password: PASSWORD })
    const button = page.locator('[data-form="login"] button[type="submit"]')
    await button.click()
    await page
      .locator('[data-form="login"][aria-busy="true"], [data-form="login"] [aria-busy="true"]')
      .first()
      .waitFor()
    for (let i = 0; i < 3; i++) await button.click({ force: true }).catch(() => {})
    await page.keyboard.press('Enter')
    t.equal(calls.filter(call => call.url().endsWith('/login')).length, 1)
    release()
    await waitForAccount(page, site)
    const { rows } = site
    t.equal(await rows.client.event.count({ where: { kind: 'logged_in' } }), 1)
  },
)

t.test('a network failure is shown, and the form keeps its values', async t => {
  const site = await startSite(t)
  const { page } = await person(t, { url: site.url })
  await confirmedAccount(site, email, PASSWORD)
  await page.goto(`${site.url}/app/login`)
  let down = true
  await page.route('**/login', route =>
    down && route.request().method() === 'POST'
      ? route.fulfill({ status: 502, body: 'bad gateway' })
      : route.continue(),
  )
  await send(page, 'login', { email, password: PASSWORD })
  t.not(await errorOf(page, 'login'), '')
  t.equal(await page.locator('[data-form="login"] [name="email"]').inputValue(), email)
  down = false
  await send(page, 'login', {})
  await waitForAccount(page, site)
})

t.test('a rate-limited login shows how long to wait', async t => {
  const site = await startSite(t, { env: { RATE_LIMIT: 'on' } })
  const { page } = await person(t, site)
  await page.goto(`${site.url}/app/login`)
  let complaint = ''
  for (let i = 0; i < 9 && !/\d/.test(complaint); i++) {
    const answered = page.waitForResponse(
      answer => answer.url().endsWith('/login') && answer.request().method() === 'POST',
    )
    await send(page, 'login', { email, password: `not the password ${i}` })
    await answered
    await page.locator('[data-form="login"] button[type="submit"]:enabled').waitFor()
    complaint = await errorOf(page, 'login')
  }
  t.match(complaint, /\d+ ?(s|sec)/i)
})

t.test('a page in a frame of another site is not shown', async t => {
  const site = await startSite(t)
  const answer = await fetch(`${site.url}/app/login`)
  t.match(answer.headers.get('content-security-policy'), /frame-ancestors 'none'/)
  t.equal(answer.headers.get('x-frame-options'), 'DENY')
})

t.test('without JavaScript no typed value gets into an address', async t => {
  const site = await startSite(t)
  const { page } = await person(t, site, { javaScriptEnabled: false })
  for (const path of ['login', 'register', 'forgot-password']) {
    await page.goto(`${site.url}/app/${path}`)
    t.ok(await page.locator('noscript, .warning').first().isVisible(), 'it says that it needs JavaScript')
    t.equal(await page.locator('form').first().getAttribute('method'), 'post')
  }
})

t.test('a second link opened in the same tab replaces the first', async t => {
  const site = await startSite(t)
  const { page } = await person(t, site)
  await confirmedAccount(site, email, PASSWORD)
  await page.goto(`${site.url}/app/reset-password#token=a.b.c`)
  await waitForView(page, 'stale')
  const token = await resetToken(site, email)
  await page.evaluate(`location.hash = 'token=${token}'`)
  await waitForView(page, 'form')
  t.notMatch(page.url(), /token/)
  await send(page, 'reset', { newPassword: NEW_PASSWORD, repeat: NEW_PASSWORD })
  await page.waitForURL(/\/app\/login$/)
  await logsIn(page, site, email, NEW_PASSWORD)
})

t.test('the pages speak the language of the browser', async t => {
  const site = await startSite(t)
  const titles = new Set<string>()
  for (const locale of ['en-GB', 'de-AT', 'fr-FR', 'es-MX', 'hr-HR']) {
    const { page } = await person(t, site, { locale })
    await page.goto(`${site.url}/app/login`)
    t.equal(await page.locator('html').getAttribute('lang'), locale.slice(0, 2))
    titles.add(await page.locator('h1').innerText())
    await send(page, 'login', { email: 'nobody@example.org', password: 'not the password' })
    titles.add(await errorOf(page, 'login'))
  }
  t.equal(titles.size, 10, 'each says everything in its own words', { titles: [...titles] })
})

t.test('an email in another language leads to a working page', async t => {
  const site = await startSite(t)
  const { page } = await person(t, site, { locale: 'hr-HR' })
  await page.goto(`${site.url}/app/register`)
  await send(page, 'register', { email })
  await waitForView(page, 'sent')
  await page.goto(linkIn(await site.mailTo(email, /potvrdi/i)))
  await confirms(page)
  await waitForAccount(page, site)
})
