/** Emailed codes, for reading email on another device, and links that arrive incomplete. */
import t from 'tap'
import { startBrowser, startSite } from '../../harness/browser.ts'
import { codeIn, otherThan } from '../../harness/mailbox.ts'
import type { ReceivedMail } from '../../harness/smtp.ts'
import { until } from '../../harness/until.ts'
import {
  confirms,
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

t.test('a reset requested on a phone, with the code read on a computer', async t => {
  const site = await startSite(t)
  const { page: computer } = await person(t, site)
  await registers(computer, site, email)

  const { page: phone } = await person(t, site, { viewport: { width: 320, height: 640 }, hasTouch: true })
  await phone.goto(`${site.url}/app/forgot-password`)
  await send(phone, 'request', { email })
  await waitForView(phone, 'sent')
  const mail = await site.mailTo(email, /reset/i)
  const code = codeIn(mail)
  const passwords = { newPassword: NEW_PASSWORD, repeat: NEW_PASSWORD }
  await send(phone, 'code', { code: otherThan(code), ...passwords })
  t.not(await errorOf(phone, 'code'), '', 'a wrong code is refused')
  await send(phone, 'code', { code: `${code.slice(0, 4)} ${code.slice(4)}`, ...passwords })
  await waitForPath(phone, site, '/app/login')

  await computer.reload()
  await waitForPath(computer, site, '/app/login')
  t.pass('the computer is logged out')
  await logsIn(phone, site, email, NEW_PASSWORD)
  await press(phone, 'log-out')
  await computer.goto(linkIn(mail))
  await waitForView(computer, 'stale')
  t.pass('and the link is dead')
})

t.test('a code requested after an expired link', async t => {
  const site = await startSite(t, { env: { RESET_TOKEN_TTL: '1800' } })
  const { page, context } = await person(t, site)
  await registers(page, site, email)
  await press(page, 'log-out')
  await waitForPath(page, site, '/app/login')
  await context.clearCookies()
  await page.goto(`${site.url}/app/reset-password#token=eyJhbGciOiJIUzI1NiJ9.e30.AAAA`)
  await waitForView(page, 'stale')
  await send(page, 'request', { email })
  await waitForView(page, 'sent')
  const code = codeIn(await site.mailTo(email, /reset/i))
  await send(page, 'code', { code, newPassword: NEW_PASSWORD, repeat: NEW_PASSWORD })
  await waitForPath(page, site, '/app/login')
  await logsIn(page, site, email, NEW_PASSWORD)
  t.not(NEW_PASSWORD, PASSWORD)
})

t.test('a registration confirmed with the code on the same phone', async t => {
  const site = await startSite(t)
  const { page: phone } = await person(t, site, { viewport: { width: 320, height: 640 }, hasTouch: true })
  await phone.goto(`${site.url}/app/register`)
  await send(phone, 'register', { email })
  await waitForView(phone, 'sent')
  const first = codeIn(await site.mailTo(email, /confirm/i))
  const passwords = { newPassword: PASSWORD, repeat: PASSWORD }
  await send(phone, 'code', { code: otherThan(first), ...passwords })
  t.not(await errorOf(phone, 'code'), '', 'a wrong code is refused')
  await send(phone, 'resend')
  await until('another mail came', () => site.smtp.mails.length === 2)
  const mail = site.smtp.mails[1] as ReceivedMail
  const fullWidth = codeIn(mail).replace(/\d/g, digit => String.fromCharCode(0xff10 + Number(digit)))
  await send(phone, 'code', { code: `“${fullWidth.slice(0, 4)}\u00a0${fullWidth.slice(4)}”`, ...passwords })
  await waitForAccount(phone, site)

  const { page: computer } = await person(t, site)
  await computer.goto(linkIn(mail))
  await confirms(computer)
  await waitForView(computer, 'stale')
  t.pass('the link of the mail is dead')
})

t.test('a new email confirmed with its code on the account page', async t => {
  const site = await startSite(t)
  const { page } = await person(t, site)
  const newEmail = 'ada.lovelace@example.org'
  await registers(page, site, email)
  await openSection(page, 'email')
  await send(page, 'email-change', { newEmail, currentPassword: PASSWORD })
  await waitForStep2(page, 'email')
  const code = codeIn(await site.mailTo(newEmail, /confirm your new/i))
  await send(page, 'email-confirm', { code: otherThan(code), currentPassword: PASSWORD })
  t.not(await errorOf(page, 'email-confirm'), '')
  await send(page, 'email-confirm', { code, currentPassword: 'not the password of it' })
  t.not(await errorOf(page, 'email-confirm'), '')
  await send(page, 'email-confirm', { code, currentPassword: PASSWORD })
  await page.locator('[data-notice]').waitFor({ state: 'visible' })
  await waitForAccount(page, site)
  t.equal(await page.locator('[data-me="email"]').innerText(), newEmail)
})

t.test('an incomplete link offers a new one', async t => {
  const site = await startSite(t)
  const { page } = await person(t, site)
  await page.goto(`${site.url}/app/register`)
  await send(page, 'register', { email })
  await waitForView(page, 'sent')
  const link = linkIn(await site.mailTo(email, /confirm/i))
  for (const damage of [link.replace('#', '/#'), `${link}).`, link.replace('=', '%3D')]) {
    await page.goto(damage)
    await waitForView(page, 'form')
    t.notMatch(page.url(), /token|#/, 'the readable part is used')
  }
  const notice = page.locator('[data-notice]')
  await page.goto(link.replace(/#.*/, ''))
  await waitForView(page, 'missing')
  t.notOk(await notice.isVisible(), 'a truncated link is treated like none')
  // Requested without the browser, where a token in an address fails the test.
  for (const damage of ['%23', '?', '%2523']) {
    const response = await page.request.get(link.replace('#', damage), { maxRedirects: 0 })
    t.equal(response.headers()['location'], '/app/confirm-email#damaged')
  }
  await page.goto(`${site.url}/app/login`)
  await page.goto(`${site.url}/app/confirm-email#damaged`)
  await waitForView(page, 'missing')
  t.ok(await notice.isVisible(), 'the page says so')
  t.notMatch(page.url(), /#/)
  await send(page, 'ask', { email })
  await waitForView(page, 'sent')
  await until('another mail came', () => site.smtp.mails.length === 2)
  const code = codeIn(site.smtp.mails[1])
  await send(page, 'code', { code, newPassword: PASSWORD, repeat: PASSWORD })
  await waitForAccount(page, site)
})
