/** Values that the pages keep, and for how long. */
import type { Page } from 'playwright-core'
import t from 'tap'
import { confirmedAccount, resetToken } from '../../harness/app.ts'
import { isAccessible, startBrowser, startSite } from '../../harness/browser.ts'
import { codeIn } from '../../harness/mailbox.ts'
import {
  confirms,
  errorOf,
  fill,
  linkIn,
  NEW_PASSWORD,
  openSection,
  PASSWORD,
  press,
  send,
  waitForAccount,
  waitForPath,
  waitForStep2,
  waitForView,
} from './steps.ts'

const person = await startBrowser(t)
const email = 'ada@example.org'
const PASSWORDS = { newPassword: NEW_PASSWORD, repeat: NEW_PASSWORD }

const emailOf = (page: Page, form: string) =>
  page.locator(`[data-form="${form}"] [name="email"]`).inputValue()
const stored = (page: Page) =>
  page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }])') as Promise<string>

t.test('an error beside a field disappears when that field changes, and other errors stay', async t => {
  const site = await startSite(t)
  const { page } = await person(t, site)
  const errors = (form: string) => page.locator(`[data-form="${form}"] .error:visible`).count()
  await page.goto(`${site.url}/app/login`)
  await send(page, 'login')
  await errorOf(page, 'login')
  t.equal(await errors('login'), 2)
  await page.locator('[data-form="login"] [name="email"]').pressSequentially('a')
  t.equal(await errors('login'), 1, 'the other field is still empty')
  t.equal(await page.locator('[aria-invalid="true"]').getAttribute('name'), 'password')
  await fill(page, 'login', { password: 'x' })
  t.equal(await errors('login'), 0)
  await send(page, 'login', { email, password: 'not the password of it' })
  await errorOf(page, 'login')
  await fill(page, 'login', { password: 'another' })
  t.equal(await errors('login'), 1, 'an error of the whole form stays until it is sent again')

  await confirmedAccount(site, email, PASSWORD)
  await page.goto(`${site.url}/app/reset-password#token=${await resetToken(site, email)}`)
  await waitForView(page, 'form')
  await send(page, 'reset', { newPassword: NEW_PASSWORD, repeat: 'another one' })
  t.equal(await errors('reset'), 1)
  await fill(page, 'reset', { newPassword: 'another one' })
  t.equal(await errors('reset'), 0, 'the error about two different passwords belongs to both')
})

t.test('a typed email is carried to the next form of this tab, and then forgotten', async t => {
  const site = await startSite(t)
  const { page, context } = await person(t, site)
  await page.goto(`${site.url}/app/login`)
  await fill(page, 'login', { email })
  await page.locator('main a[href$="app/forgot-password"]').click()
  await waitForPath(page, site, '/app/forgot-password')
  t.equal(await emailOf(page, 'request'), email)
  t.notMatch(await stored(page), email, 'nothing is left in the storage')
  await page.locator('main a[href$="app/login"]').click()
  await waitForPath(page, site, '/app/login')
  t.equal(await emailOf(page, 'login'), email, 'and back')
  await page.locator('main a[href$="app/register"]').click()
  await waitForPath(page, site, '/app/register')
  t.equal(await emailOf(page, 'register'), email)
  const tab = await context.newPage()
  await tab.goto(`${site.url}/app/login`)
  t.equal(await emailOf(tab, 'login'), '', 'other tabs get nothing')
})

t.test('after a reset and a change of the password, the login form contains the email', async t => {
  const site = await startSite(t)
  const { page } = await person(t, site)
  await confirmedAccount(site, email, PASSWORD)
  await page.goto(`${site.url}/app/reset-password#token=${await resetToken(site, email)}`)
  await waitForView(page, 'form')
  t.match(await page.locator('[data-view="form"]').innerText(), email, 'the page names the account')
  t.equal(await page.locator('[data-form="reset"] [autocomplete="username"]').inputValue(), email)
  await send(page, 'reset', PASSWORDS)
  await waitForPath(page, site, '/app/login')
  t.equal(await emailOf(page, 'login'), email, 'by link')

  await page.goto(`${site.url}/app/forgot-password`)
  const before = site.smtp.mails.length
  await send(page, 'request', { email })
  await waitForView(page, 'sent')
  t.equal(await page.locator('[data-form="code"] [autocomplete="username"]').inputValue(), email)
  const mail = await site.smtp.waitForMail(email, /reset/i, before)
  await send(page, 'code', { code: codeIn(mail), newPassword: PASSWORD, repeat: PASSWORD })
  await waitForPath(page, site, '/app/login')
  t.equal(await emailOf(page, 'login'), email, 'by code')

  await send(page, 'login', { password: PASSWORD })
  await waitForAccount(page, site)
  await openSection(page, 'password')
  await send(page, 'password-request', { currentPassword: PASSWORD })
  await waitForStep2(page, 'password')
  t.equal(await page.locator('[data-form="password-confirm"] [autocomplete="username"]').inputValue(), email)
  const code = codeIn(await site.mailTo(email, /code to change/i))
  await send(page, 'password-confirm', { code, ...PASSWORDS })
  await waitForPath(page, site, '/app/login')
  t.equal(await emailOf(page, 'login'), email, 'after a change')
  await send(page, 'login', { password: NEW_PASSWORD })
  await waitForAccount(page, site)
})

t.test('a reload keeps the link of an email, in its tab only, until it is used', async t => {
  const site = await startSite(t)
  const { page, context } = await person(t, site)
  await confirmedAccount(site, email, PASSWORD)
  const token = await resetToken(site, email)
  await page.goto(`${site.url}/app/reset-password#token=${token}`)
  await waitForView(page, 'form')
  await page.reload()
  await waitForView(page, 'form')
  t.notMatch(page.url(), /token|#/, 'the address bar stays clean')
  t.notMatch(await page.evaluate('JSON.stringify({ ...localStorage })'), /eyJ/, 'no other tab can read it')
  const tab = await context.newPage()
  await tab.goto(`${site.url}/app/reset-password`)
  await waitForView(tab, 'missing')
  for (const other of ['confirm-email', 'change-email', 'secure']) {
    await page.goto(`${site.url}/app/${other}`)
    await waitForView(page, 'missing')
    await page.goBack()
    await waitForView(page, 'form')
  }
  t.pass('no other page takes it for its own, and the way back leads to it')
  await page.goto(`${site.url}/app/login`)
  await page.goto(`${site.url}/app/reset-password`)
  await waitForView(page, 'missing')
  t.notMatch(await stored(page), /eyJ/, 'a new visit gets nothing from the previous one')
  await page.goto(`${site.url}/app/login`)
  await page.goto(`${site.url}/app/reset-password#token=${token}`)
  await waitForView(page, 'form')
  await send(page, 'reset', PASSWORDS)
  await waitForPath(page, site, '/app/login')
  t.notMatch(await stored(page), /eyJ/, 'a used token is gone')
  await page.goto(`${site.url}/app/reset-password`)
  await waitForView(page, 'missing')
  await page.goto(`${site.url}/app/login`)
  await page.goto(`${site.url}/app/reset-password#token=${token}`)
  await waitForView(page, 'stale')
  await page.goto(`${site.url}/app/login`)
  await page.goto(`${site.url}/app/reset-password#damaged`)
  await waitForView(page, 'missing')
  t.ok(await page.locator('[data-notice]').isVisible(), 'a damaged link is not replaced by an older one')
})

t.test('a confirmation survives a reload too, and leaves nothing stored', async t => {
  const site = await startSite(t)
  const { page } = await person(t, site)
  await page.goto(`${site.url}/app/register`)
  await send(page, 'register', { email })
  await waitForView(page, 'sent')
  await page.goto(linkIn(await site.mailTo(email, /confirm/i)))
  await waitForView(page, 'form')
  await page.reload()
  t.match(await page.locator('[data-view="form"]').innerText(), email)
  await confirms(page)
  await waitForAccount(page, site)
  t.notMatch(await stored(page), /eyJ/)
})

t.test('the chosen language is kept and applies to later emails', async t => {
  const site = await startSite(t)
  const { page } = await person(t, site)
  const language = () => page.locator('html').getAttribute('lang')
  await page.goto(`${site.url}/app/register`)
  await fill(page, 'register', { email })
  await page.locator('footer a[hreflang="hr"]').click()
  await page.locator('html[lang="hr"]').waitFor()
  t.equal(await emailOf(page, 'register'), email, 'the form keeps its values')
  await isAccessible(t, page, 'in Croatian')
  await send(page, 'register')
  await waitForView(page, 'sent')
  const link = linkIn(await site.mailTo(email, /potvrdite/i))
  await page.goto(link)
  await waitForView(page, 'form')
  t.equal(await language(), 'hr', 'the choice is kept')
  await page.locator('footer a[hreflang="de"]').click()
  await page.locator('html[lang="de"]').waitFor()
  await waitForView(page, 'form')
  t.match(await page.locator('[data-view="form"]').innerText(), email, 'the link is not lost')
  await confirms(page)
  await waitForAccount(page, site)
  t.equal(await language(), 'de')
  t.equal(await page.evaluate('document.cookie'), '', 'no script can read the choice')
  await press(page, 'log-out')
  await waitForPath(page, site, '/app/login')
  t.equal(await language(), 'de')
})

t.test('the language can be chosen without JavaScript', async t => {
  const site = await startSite(t)
  const { page } = await person(t, site, { javaScriptEnabled: false })
  await page.goto(`${site.url}/app/login`)
  await page.locator('footer a[hreflang="fr"]').click()
  await page.locator('html[lang="fr"]').waitFor()
  await page.goto(`${site.url}/app/nowhere`)
  t.equal(await page.locator('html').getAttribute('lang'), 'fr')
})
