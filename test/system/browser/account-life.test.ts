/** The lifecycle of an account on the pages, with the links of real emails. */
import t from 'tap'
import { post, startApp } from '../../harness/app.ts'
import { isAccessible, startBrowser, startSite } from '../../harness/browser.ts'
import { freshDatabase } from '../../harness/database.ts'
import { startOperators } from '../../harness/operators.ts'
import {
  confirms,
  errorOf,
  linkIn,
  logsIn,
  NEW_PASSWORD,
  PASSWORD,
  press,
  registers,
  send,
  waitForAccount,
  waitForPath,
  waitForView,
} from './steps.ts'

const person = await startBrowser(t)
const email = 'ada@example.org'

t.test('register, confirm, see the account, log out, reset the password, log in again', async t => {
  const site = await startSite(t)
  const { page } = await person(t, site)

  await page.goto(`${site.url}/app`)
  await page.locator('main a[href$="app/register"]').first().click()
  await send(page, 'register', { email })
  await waitForView(page, 'sent')
  t.match(await page.locator('main').innerText(), email)

  await page.goto(linkIn(await site.mailTo(email, /confirm/i)))
  t.notMatch(page.url(), /token|#/, 'the token is gone from the address bar')
  t.match(await page.locator('[data-view="form"]').innerText(), email, 'it names the address')
  t.equal(await page.locator('[data-form="confirm"] [data-username]').inputValue(), email)
  const fields = page.locator('[data-form="confirm"] input[type="password"]')
  for (const field of await fields.all()) t.equal(await field.getAttribute('autocomplete'), 'new-password')
  await confirms(page, 'short')
  t.not(await errorOf(page, 'confirm'), '', 'a refused password uses up nothing')
  await confirms(page)
  await waitForAccount(page, site)
  t.equal(await page.locator('[data-me="email"]').innerText(), email)
  t.equal(await page.locator('[data-devices] li').count(), 1, 'only this device')

  await press(page, 'log-out')
  await waitForPath(page, site, '/app/login')
  await page.goto(`${site.url}/app/account`)
  await waitForPath(page, site, '/app/login')

  await page.locator('main a[href$="app/forgot-password"]').click()
  await send(page, 'request', { email })
  await waitForView(page, 'sent')
  const link = linkIn(await site.mailTo(email, /reset/i))
  await page.goto(link)
  await waitForView(page, 'form')
  t.notMatch(page.url(), /token|#/)
  t.match(await page.locator('[data-valid-for]').innerText(), /\b(29|30) minutes/)
  await send(page, 'reset', { newPassword: NEW_PASSWORD, repeat: 'another one altogether' })
  t.not(await errorOf(page, 'reset'), '', 'two different passwords are not sent')
  await send(page, 'reset', { newPassword: NEW_PASSWORD, repeat: NEW_PASSWORD })
  await waitForPath(page, site, '/app/login')
  t.ok(await page.locator('[data-notice]').isVisible(), 'and shows a notice')

  await send(page, 'login', { email, password: PASSWORD })
  t.not(await errorOf(page, 'login'), '', 'the old password is refused')
  await send(page, 'login', { email, password: NEW_PASSWORD })
  await waitForAccount(page, site)

  await press(page, 'log-out')
  await waitForPath(page, site, '/app/login')
  await page.goto(link)
  await waitForView(page, 'stale')
  await isAccessible(t, page, 'the page of a spent link')
  await send(page, 'request', { email })
  await waitForView(page, 'sent')
})

t.test('a used confirmation link says what to do, and sends a new one with one click', async t => {
  const site = await startSite(t)
  const { page } = await person(t, site)
  await page.goto(`${site.url}/app/register`)
  await send(page, 'register', { email })
  await waitForView(page, 'sent')
  const link = linkIn(await site.mailTo(email, /confirm/i))
  const { page: other } = await person(t, site)
  await other.goto(link)
  await confirms(other)
  await waitForAccount(other, site)

  await page.goto(link)
  await waitForView(page, 'form')
  await confirms(page)
  await waitForView(page, 'stale')
  await send(page, 'resend', { email })
  await waitForView(page, 'sent')
  await site.mailTo(email, /already have an account/i)
})

t.test('an invited person sets a password and is logged in, once', async t => {
  const site = await startSite(t)
  const { ask } = await startOperators(t, site)
  t.equal((await ask('POST', '/users', { email, locale: 'en' })).statusCode, 201)
  const link = linkIn(await site.mailTo(email, /invited/i))
  t.equal(link.split('#')[0], `${site.url}/app/accept-invitation`)
  const { page } = await person(t, site)
  await page.goto(link)
  await waitForView(page, 'form')
  t.notMatch(page.url(), /token|#/, 'the token is gone from the address bar')
  t.match(await page.locator('[data-view="form"]').innerText(), email, 'it names the address')
  await isAccessible(t, page, 'the page of an invitation')
  await confirms(page, 'short')
  t.not(await errorOf(page, 'confirm'), '', 'a refused password does not use up the link')
  await confirms(page)
  await waitForAccount(page, site)
  t.equal(await page.locator('[data-me="email"]').innerText(), email)

  const { page: other } = await person(t, site)
  await other.goto(link)
  await confirms(other, NEW_PASSWORD)
  await waitForView(other, 'stale')
})

t.test('with a session, the pages to log in, register and reset redirect to the account', async t => {
  const site = await startSite(t)
  const { page, context } = await person(t, site)
  await registers(page, site, email)
  for (const path of ['/app/login', '/app/register', '/app/forgot-password']) {
    await page.goto(`${site.url}${path}`)
    await waitForAccount(page, site)
  }
  const tab = await context.newPage()
  await tab.goto(`${site.url}/app/account`)
  await waitForAccount(tab, site)
  await press(tab, 'log-out')
  await waitForPath(tab, site, '/app/login')
  await waitForPath(page, site, '/app/login')
  t.pass('a log out in one tab reaches the other')
})

t.test('after a refused login the page offers to resend the confirmation, whatever the address', async t => {
  const site = await startSite(t)
  const { page } = await person(t, site)
  await page.goto(`${site.url}/app/register`)
  await send(page, 'register', { email })
  await waitForView(page, 'sent')
  await page.goto(`${site.url}/app/login`)
  const offer = page.locator('[data-offer]')
  t.notOk(await offer.isVisible())
  for (const address of ['nobody@example.org', email]) {
    await send(page, 'login', { email: address, password: 'not the password of it' })
    await errorOf(page, 'login')
    await offer.waitFor({ state: 'visible' })
  }
  const before = site.smtp.mails.length
  await send(page, 'offer')
  await waitForView(page, 'sent')
  const mail = (await site.smtp.waitForMails(before + 1))[before]
  t.match([mail?.to, mail?.subject], [[email], /^Confirm/])
  const { rows } = site
  t.equal(await rows.client.user.count(), 0)
})

t.test('the login of an account from before confirmation was required sends a confirmation', async t => {
  const databaseUrl = await freshDatabase(t)
  const before = await startApp(t, { databaseUrl, env: { EMAIL_CONFIRMATION: 'off' } })
  const payload = { email, password: PASSWORD }
  t.equal((await post(before.app, '/register', payload)).statusCode, 201)
  const site = await startSite(t, { databaseUrl })
  const { page } = await person(t, site)
  await page.goto(`${site.url}/app/login`)
  await send(page, 'login', { email, password: 'not the password of it' })
  await errorOf(page, 'login')
  await send(page, 'login', payload)
  await waitForView(page, 'unconfirmed')
  t.match(await page.locator('[data-view="unconfirmed"]').innerText(), email, 'it names the address')
  await isAccessible(t, page, 'an account to be confirmed')
  await send(page, 'resend')
  await waitForView(page, 'sent')
  const mail = await site.mailTo(email, /^Confirm/)
  await site.rows.settled()
  t.equal(site.smtp.mails.length, 1)
  await page.goto(linkIn(mail))
  await confirms(page)
  await waitForAccount(page, site)
})

t.test('without confirmation by email, a new account can log in at once', async t => {
  const site = await startSite(t, { env: { EMAIL_CONFIRMATION: 'off' } })
  const { page } = await person(t, site)
  await page.goto(`${site.url}/app/register`)
  await send(page, 'register', { email, newPassword: PASSWORD, repeat: PASSWORD })
  await waitForView(page, 'done')
  await logsIn(page, site, email)
  await press(page, 'log-out')
  await waitForPath(page, site, '/app/login')
  await page.goto(`${site.url}/app/register`)
  await send(page, 'register', { email, newPassword: PASSWORD, repeat: PASSWORD })
  t.not(await errorOf(page, 'register'), '', 'a taken address is reported')
})
