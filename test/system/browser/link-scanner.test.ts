/**
 * Email gateways open every link, some in a real browser, and a few press the buttons that they find. None of this
 * may change anything.
 */
import type { Page } from 'playwright-core'
import t from 'tap'
import { bearer, confirmedAccount } from '../../harness/app.ts'
import { startBrowser, startSite } from '../../harness/browser.ts'
import { startOperators } from '../../harness/operators.ts'
import { linkIn, PASSWORD } from './steps.ts'

const person = await startBrowser(t)

t.test('opening every link and submitting every form changes nothing', async t => {
  const site = await startSite(t)
  const { app, smtp, rows } = site
  const post = (url: string, payload: object, accessToken?: string) =>
    app.inject({
      method: 'POST',
      url,
      payload,
      headers: accessToken === undefined ? {} : bearer(accessToken),
    })
  const { email, accessToken } = await confirmedAccount(site, 'ada@example.org', PASSWORD)
  const { ask } = await startOperators(t, site)
  await ask('POST', '/users', { email: 'grace@example.org' })
  await post('/register', { email: 'pending@example.org' })
  await post('/register', { email })
  await post('/password-reset/request', { email })
  await post('/password-reset/request', { email: 'pending@example.org' })
  await post('/email-change/request', { currentPassword: PASSWORD, newEmail: 'new@example.org' }, accessToken)
  await app.inject({
    method: 'POST',
    url: '/login',
    headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' },
    payload: { email, password: PASSWORD },
  })
  await rows.settled()
  // The first one requested the account itself, so its link has been used; it is opened all the same.
  const links = smtp.mails.filter(mail => /#token=|\/app\//.test(mail.text)).map(linkIn)
  t.ok(links.length >= 9, 'invitation, confirm twice, already registered, reset, change, two notices', {
    links,
  })
  for (const page of [
    'accept-invitation',
    'confirm-email',
    'reset-password',
    'forgot-password',
    'change-email',
    'secure',
  ]) {
    t.ok(
      links.some(link => link.includes(`/app/${page}`)),
      `a link to ${page}`,
    )
  }
  const before = await rows.dump()

  for (const link of links) {
    for (const method of ['GET', 'HEAD', 'POST']) {
      const { status } = await fetch(link, { method, redirect: 'manual' })
      t.equal(status, method === 'POST' ? 405 : 200, `${method} ${link.split('#')[0]}`)
    }
    const { page, context } = await person(t, site)
    await page.goto(link)
    await page.waitForLoadState('networkidle')
    await pressesEveryButton(page)
    await context.close()
  }
  await rows.settled()
  t.strictSame(await rows.dump(), before)
})

/** Submits each visible form as it is, and presses each button. */
async function pressesEveryButton(page: Page) {
  for (const form of await page.locator('form:visible').all()) {
    await form.evaluate(element => (element as unknown as { requestSubmit(): void }).requestSubmit())
  }
  for (const button of await page.locator('main button:visible').all()) {
    await button.click({ timeout: 2000 }).catch(() => {})
  }
  await page.waitForLoadState('networkidle')
}
