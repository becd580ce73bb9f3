/** Managing an account on the pages. */
import { readFile } from 'node:fs/promises'
import t from 'tap'
import { startBrowser, startSite } from '../../harness/browser.ts'
import { codeIn, otherThan } from '../../harness/mailbox.ts'
import {
  errorOf,
  linkIn,
  logsIn,
  NEW_PASSWORD,
  openSection,
  PASSWORD,
  press,
  registers,
  send,
  waitForAccount,
  waitForPath,
  waitForStep2,
  waitForView,
} from './steps.ts'

const person = await startBrowser(t)
const email = 'ada@example.org'

t.test(
  'change the password with the emailed code: every device is logged out, including this one',
  async t => {
    const site = await startSite(t)
    const { page } = await person(t, site)
    const { page: other } = await person(t, site)
    await registers(page, site, email)
    await logsIn(other, site, email)
    await openSection(page, 'password')
    const requests: string[] = []
    page.on('request', request => void requests.push(new URL(request.url()).pathname))
    await send(page, 'password-request', { currentPassword: 'not the password of it' })
    t.not(await errorOf(page, 'password-request'), '')
    t.strictSame(requests, ['/password-change/request'], 'a wrong password is sent once, without a refresh')
    await send(page, 'password-request', { currentPassword: PASSWORD })
    await waitForStep2(page, 'password')
    const code = codeIn(await site.mailTo(email, /code/i))
    const passwords = { newPassword: NEW_PASSWORD, repeat: NEW_PASSWORD }
    await send(page, 'password-confirm', { code: otherThan(code), ...passwords })
    t.not(await errorOf(page, 'password-confirm'), '', 'a wrong code is refused')
    await send(page, 'password-confirm', { code, ...passwords })
    await waitForPath(page, site, '/app/login')
    await other.reload()
    await waitForPath(other, site, '/app/login')
    await send(page, 'login', { email, password: PASSWORD })
    t.not(await errorOf(page, 'login'), '')
    await logsIn(page, site, email, NEW_PASSWORD)
  },
)

t.test('change the email with the link to the new address and the password', async t => {
  const site = await startSite(t)
  const { page, context } = await person(t, site)
  const newEmail = 'ada.lovelace@example.org'
  await registers(page, site, email)
  await openSection(page, 'email')
  await send(page, 'email-change', { newEmail, currentPassword: PASSWORD })
  await waitForStep2(page, 'email')
  const link = linkIn(await site.mailTo(newEmail, /confirm your new/i))
  const tab = await context.newPage()
  await tab.goto(link)
  t.notMatch(tab.url(), /token|#/)
  await send(tab, 'confirm', { password: 'not the password of it' })
  t.not(await errorOf(tab, 'confirm'), '')
  await send(tab, 'confirm', { password: PASSWORD })
  await waitForView(tab, 'done')
  await page.reload()
  await waitForAccount(page, site)
  t.equal(await page.locator('[data-me="email"]').innerText(), newEmail, 'sessions go on')
  await tab.goto(link)
  await send(tab, 'confirm', { password: PASSWORD })
  await waitForView(tab, 'stale')
})

t.test('log out another device, then all others', async t => {
  const site = await startSite(t)
  const { page } = await person(t, site)
  const { page: other } = await person(t, site)
  await registers(page, site, email)
  await logsIn(other, site, email)
  await page.reload()
  await waitForAccount(page, site)
  t.equal(await page.locator('[data-devices] li').count(), 2)
  const buttons = page.locator('[data-devices] li button')
  t.equal(await buttons.count(), 1, 'this device has no button: it uses the one above')
  await buttons.click()
  await page.locator('[data-devices] li').nth(1).waitFor({ state: 'detached' })
  // Its access token is refused at once, and so is its refresh token.
  await openSection(other, 'password')
  await send(other, 'password-request', { currentPassword: PASSWORD })
  await waitForPath(other, site, '/app/login')
  t.ok(await other.locator('[data-notice]').isVisible(), 'and learns why')

  await logsIn(other, site, email)
  await page.reload()
  await waitForAccount(page, site)
  await press(page, 'log-out-others')
  await page.locator('[data-devices] li').nth(1).waitFor({ state: 'detached' })
  await other.reload()
  await waitForPath(other, site, '/app/login')
})

t.test('"this was not me": the typed address secures the account and sends a reset link', async t => {
  const site = await startSite(t)
  const { page } = await person(t, site)
  await registers(page, site, email)
  const { page: other } = await person(t, site, {
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  })
  await logsIn(other, site, email)
  const { page: phone } = await person(t, site)
  await phone.goto(linkIn(await site.mailTo(email, /new device/i)))
  t.notMatch(phone.url(), /token|#/)
  await send(phone, 'secure', { email: 'somebody.else@example.org' })
  await waitForView(phone, 'stale')
  await press(phone, 'type-again')
  await send(phone, 'secure', { email })
  await waitForView(phone, 'done')
  await other.reload()
  await waitForPath(other, site, '/app/login')
  await phone.goto(linkIn(await site.mailTo(email, /is secured/i)))
  await send(phone, 'reset', { newPassword: NEW_PASSWORD, repeat: NEW_PASSWORD })
  await waitForPath(phone, site, '/app/login')
  await logsIn(phone, site, email, NEW_PASSWORD)
})

t.test('language, history and export', async t => {
  const site = await startSite(t)
  const { page } = await person(t, site)
  await registers(page, site, email)
  for (let i = 0; i < 12; i++) {
    await site.app.inject({ method: 'POST', url: '/login', payload: { email, password: PASSWORD } })
  }
  await page.reload()
  await waitForAccount(page, site)
  const shown = await page.locator('[data-events] li').count()
  await press(page, 'more-events')
  await page.locator('[data-events] li').nth(shown).waitFor()
  t.ok((await page.locator('[data-events] li').count()) > shown, 'older ones follow')
  await page.locator('[name="locale"]').selectOption('hr')
  const saved = page.waitForResponse(answer => answer.request().method() === 'PATCH')
  await send(page, 'language')
  t.equal((await saved).status(), 200)
  const { rows } = site
  t.match(await rows.client.user.findFirst(), { locale: 'hr' })
  const download = page.waitForEvent('download')
  await send(page, 'export')
  const file = JSON.parse(await readFile(await (await download).path(), 'utf8'))
  t.match(JSON.stringify(file), /ada@example\.org/)
  t.notMatch(JSON.stringify(file), /argon2|refreshHash/)
})

t.test('delete the account with the typed address and the password', async t => {
  const site = await startSite(t)
  const { page } = await person(t, site)
  await registers(page, site, email)
  await openSection(page, 'delete')
  await send(page, 'delete', { typedEmail: 'not@example.org', currentPassword: PASSWORD })
  t.not(await errorOf(page, 'delete'), '')
  await send(page, 'delete', { typedEmail: email, currentPassword: 'not the password of it' })
  t.not(await errorOf(page, 'delete'), '')
  const { rows } = site
  t.equal(await rows.client.user.count(), 1)
  await send(page, 'delete', { typedEmail: email, currentPassword: PASSWORD })
  await page.waitForURL(url => url.pathname !== '/app/account')
  t.equal(await rows.client.user.count(), 0)
  await site.mailTo(email, /deleted/i)
  await page.goto(`${site.url}/app/login`)
  await send(page, 'login', { email, password: PASSWORD })
  t.not(await errorOf(page, 'login'), '')
})
