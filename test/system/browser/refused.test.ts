/** Browsers that keep no cookies or no data: the pages say so, and no session is left that nobody can use. */
import type { BrowserContext } from 'playwright-core'
import t, { type Test } from 'tap'
import { confirmedAccount, resetToken } from '../../harness/app.ts'
import {
  isAccessible,
  type Person,
  personWithoutCookies,
  type Site,
  startBrowser,
  startSite,
} from '../../harness/browser.ts'
import { openRows } from '../../harness/rows.ts'
import { complaintOf, confirms, linkIn, NEW_PASSWORD, PASSWORD, sees, send } from './steps.ts'

const person = await startBrowser(t)
const email = 'ada@example.org'

/** Storage that throws where it is only looked at, as with cookies switched off in most browsers. */
const NO_STORAGE = `for (const name of ['localStorage', 'sessionStorage']) {
  Object.defineProperty(window, name, { get() { throw new DOMException('refused', 'SecurityError') } })
}`

/** An extension or a proxy that takes cookies out of responses, which no page can see. */
async function strip(context: BrowserContext): Promise<void> {
  await context.route(/\/(login|confirm-email|token\/refresh)$/, async route => {
    if (route.request().method() !== 'POST') return route.continue()
    const response = await route.fetch()
    await context.clearCookies()
    const { 'set-cookie': _, ...headers } = response.headers()
    return route.fulfill({ response, headers })
  })
}

const BROWSERS: Record<string, { open: (t: Test, site: Site) => Promise<Person>; seen: boolean }> = {
  'cookies and data switched off': { open: personWithoutCookies, seen: true },
  'storage that throws': {
    async open(t, site) {
      const { page, context } = await person(t, site)
      await context.addInitScript(NO_STORAGE)
      return { page, context }
    },
    seen: true,
  },
  'cookies stripped on the way': {
    async open(t, site) {
      const { page, context } = await person(t, site)
      await strip(context)
      return { page, context }
    },
    seen: false,
  },
}

for (const [name, { open, seen }] of Object.entries(BROWSERS)) {
  t.test(`${name}: said on the page, and no session is left`, async t => {
    const site = await startSite(t)
    const rows = await openRows(t, site.databaseUrl)
    const sessions = () => rows.client.session.count()
    await confirmedAccount(site, email, PASSWORD)
    const before = await sessions()
    const { page } = await open(t, site)
    const called: string[] = []
    page.on('request', request => {
      if (request.method() === 'POST') called.push(new URL(request.url()).pathname)
    })
    const warning = page.locator('[data-refused]')

    await page.goto(`${site.url}/app/account`)
    await page.waitForURL(`${site.url}/app/login`)
    t.equal(await warning.isVisible(), seen, 'said as soon as the page can know')
    if (seen) t.match(await warning.innerText(), /cookies/)
    if (seen) await isAccessible(t, page, name)
    await send(page, 'login', { email, password: PASSWORD })
    t.match(await complaintOf(page, 'login'), /cookies/)
    t.equal(new URL(page.url()).pathname, '/app/login', 'nobody is sent in a circle')
    t.equal(
      await page.locator('[data-form="login"] [name="email"]').inputValue(),
      email,
      'what was typed is there',
    )
    t.equal(await sessions(), before, 'no session is left')
    t.strictSame(called, seen ? [] : ['/login', '/token/refresh', '/logout'], 'better not made than ended')

    await page.goto(`${site.url}/app/register`)
    await send(page, 'register', { email: 'new@example.org' })
    await sees(page, 'sent')
    await page.goto(linkIn(await site.mailTo('new@example.org', /confirm/i)))
    await confirms(page)
    await sees(page, 'done')
    t.ok(
      await rows.client.user.findUnique({ where: { email: 'new@example.org' } }),
      'the address is confirmed',
    )
    t.equal(await sessions(), before, 'and no session is left')

    await page.goto(`${site.url}/app/reset-password#token=${await resetToken(site, email)}`)
    await sees(page, 'form')
    await send(page, 'reset', { newPassword: NEW_PASSWORD, repeat: NEW_PASSWORD })
    const notice = page.locator('[data-notice]:visible')
    await notice.waitFor()
    t.match(await notice.innerText(), /new password is set/, 'a mailed link works all the same')
  })
}
