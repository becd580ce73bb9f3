/** Browsers that block cookies or storage: the pages say so, and no unusable session remains. */
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
import { confirms, errorOf, linkIn, NEW_PASSWORD, PASSWORD, send, waitForView } from './steps.ts'

const person = await startBrowser(t)
const email = 'ada@example.org'

/** Storage that throws on access, as in most browsers with cookies disabled. */
const NO_STORAGE = `for (const name of ['localStorage', 'sessionStorage']) {
  Object.defineProperty(window, name, { get() { throw new DOMException('refused', 'SecurityError') } })
}`

/** What browsers report about a page without TLS from another machine, where they drop `Secure` cookies. */
const INSECURE = "Object.defineProperty(window, 'isSecureContext', { get: () => false })"

/** An extension or a proxy that removes cookies from responses, which a page cannot detect. */
async function strip(context: BrowserContext): Promise<void> {
  await context.route(/\/(login|confirm-email|token\/refresh)$/, async route => {
    if (route.request().method() !== 'POST') return route.continue()
    const response = await route.fetch()
    await context.clearCookies()
    const { 'set-cookie': _, ...headers } = response.headers()
    return route.fulfill({ response, headers })
  })
}

interface Refusing {
  open: (t: Test, site: Site) => Promise<Person>
  /** Whether a page can detect this before the request. */
  seen: boolean
  says: RegExp
}

const withScript = (script: string) => async (t: Test, site: Site) => {
  const somebody = await person(t, site)
  await somebody.context.addInitScript(script)
  return somebody
}

const BROWSERS: Record<string, Refusing> = {
  'cookies and data switched off': { open: personWithoutCookies, seen: true, says: /cookies/ },
  'storage that throws': { open: withScript(NO_STORAGE), seen: true, says: /cookies/ },
  'a page without encryption': { open: withScript(INSECURE), seen: true, says: /encryption/ },
  'cookies stripped on the way': {
    async open(t, site) {
      const somebody = await person(t, site)
      await strip(somebody.context)
      return somebody
    },
    seen: false,
    says: /cookies/,
  },
}

for (const [name, { open, seen, says }] of Object.entries(BROWSERS)) {
  t.test(`${name}: shown on the page, and no session is left`, async t => {
    const site = await startSite(t)
    const { rows } = site
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
    t.equal(await warning.isVisible(), seen, 'shown as soon as the page can know')
    if (seen) t.match(await warning.innerText(), says)
    if (seen) await isAccessible(t, page, name)
    await send(page, 'login', { email, password: PASSWORD })
    t.match(await errorOf(page, 'login'), says)
    t.equal(new URL(page.url()).pathname, '/app/login', 'no redirect loop')
    t.equal(
      await page.locator('[data-form="login"] [name="email"]').inputValue(),
      email,
      'the form keeps its values',
    )
    t.equal(await sessions(), before, 'no session is left')
    t.strictSame(called, seen ? [] : ['/login', '/token/refresh', '/logout'], 'no session is created')

    await page.goto(`${site.url}/app/register`)
    await send(page, 'register', { email: 'new@example.org' })
    await waitForView(page, 'sent')
    await page.goto(linkIn(await site.mailTo('new@example.org', /confirm/i)))
    await confirms(page)
    await waitForView(page, 'done')
    if (seen) await isAccessible(t, page, `${name}, confirmed`)
    t.ok(
      await rows.client.user.findUnique({ where: { email: 'new@example.org' } }),
      'the address is confirmed',
    )
    t.equal(await sessions(), before, 'and no session is left')

    await page.goto(`${site.url}/app/reset-password#token=${await resetToken(site, email)}`)
    await waitForView(page, 'form')
    await send(page, 'reset', { newPassword: NEW_PASSWORD, repeat: NEW_PASSWORD })
    const notice = page.locator('[data-notice]:visible')
    await notice.waitFor()
    t.match(await notice.innerText(), /new password is set/, 'an emailed link still works')
  })
}
