/** Every page and state against WCAG 2.2 AA: light and dark, wide and as narrow as 320 px. */
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { isAccessible, startBrowser, startSite } from '../../harness/browser.ts'
import { codeIn } from '../../harness/mailbox.ts'
import {
  confirms,
  errorOf,
  linkIn,
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

/** The longest address that is accepted. */
const LONG = `${'a'.repeat(64)}@${'subdomain.'.repeat(17)}example.org`

for (const [what, options] of [
  ['wide and light', { viewport: { width: 1280, height: 800 }, colorScheme: 'light' }],
  [
    'narrow and dark, in German',
    { viewport: { width: 320, height: 640 }, colorScheme: 'dark', locale: 'de-DE' },
  ],
] as const) {
  t.test(`pages without a session, ${what}`, async t => {
    const site = await startSite(t)
    const { page } = await person(t, site, options)
    const look = (state: string) => isAccessibleAndFits(t, page, state)
    for (const path of [
      '',
      '/register',
      '/login',
      '/forgot-password',
      '/confirm-email',
      '/accept-invitation',
      '/reset-password',
      '/change-email',
      '/secure',
    ]) {
      await page.goto(`${site.url}/app${path}`)
      await page.locator('h1').waitFor()
      await look(`/app${path}`)
    }
    await page.goto(`${site.url}/app/nowhere`)
    await look('a page that is not there')

    for (const [path, form] of [
      ['/register', 'register'],
      ['/login', 'login'],
      ['/forgot-password', 'request'],
    ]) {
      await page.goto(`${site.url}/app${path}`)
      await send(page, form as string)
      await errorOf(page, form as string)
      await look(`${path} with nothing typed`)
    }
    await page.goto(`${site.url}/app/register`)
    await send(page, 'register', { email: LONG })
    await waitForView(page, 'sent')
    await look('registered')
    const confirm = linkIn(await site.mailTo(LONG, /confirm|bestätigen/i))
    await page.goto(`${site.url}/app/login`)
    await send(page, 'login', { email: LONG, password: 'not the password of it' })
    await errorOf(page, 'login')
    await look('a wrong password')
    await page.goto(confirm)
    await waitForView(page, 'form')
    await look('confirm')
    await page.goto(`${site.url}/app/confirm-email#token=x.y.z`)
    await confirms(page)
    await waitForView(page, 'stale')
    await look('a stale confirmation link')
    await send(page, 'resend', { email: LONG })
    await waitForView(page, 'sent')
    await look('confirmation sent again')
  })

  t.test(`pages of an account, ${what}`, async t => {
    const site = await startSite(t)
    const { page } = await person(t, site, options)
    const look = (state: string) => isAccessibleAndFits(t, page, state)
    const email = LONG
    await page.goto(`${site.url}/app/register`)
    await send(page, 'register', { email })
    await page.goto(linkIn(await site.mailTo(email, /confirm|bestätigen/i)))
    await confirms(page)
    await waitForAccount(page, site)
    await look('the account')
    for (const part of ['password', 'email', 'delete']) await openSection(page, part)
    await look('the account, unfolded')
    await send(page, 'email-change', { newEmail: 'new@example.org', currentPassword: PASSWORD })
    await waitForStep2(page, 'email')
    await send(page, 'password-request', { currentPassword: PASSWORD })
    await waitForStep2(page, 'password')
    await send(page, 'delete')
    await errorOf(page, 'delete')
    await look('the account, half way through everything')

    await page.goto(linkIn(await site.mailTo('new@example.org', /.../)))
    await waitForView(page, 'form')
    await look('a new address')
    await page.goto(`${site.url}/app/change-email#token=x.y.z`)
    await send(page, 'confirm', { password: PASSWORD })
    await waitForView(page, 'stale')
    await look('a stale link to a new address')

    await page.goto(`${site.url}/app/account`)
    await waitForAccount(page, site)
    await press(page, 'log-out')
    await waitForPath(page, site, '/app/login')
    await page.goto(`${site.url}/app/forgot-password`)
    await send(page, 'request', { email })
    await waitForView(page, 'sent')
    await look('a reset asked for')
    const mail = await site.mailTo(email, /reset your|Passwort für \S+ zurück/i)
    t.match(codeIn(mail), /^\d{8}$/)
    await page.goto(linkIn(mail))
    await waitForView(page, 'form')
    await send(page, 'reset', { newPassword: 'short', repeat: 'short' })
    await errorOf(page, 'reset')
    await look('a refused password')
    await send(page, 'reset', { newPassword: NEW_PASSWORD, repeat: NEW_PASSWORD })
    await page.waitForURL(/\/app\/login$/)
    await look('log in, after a reset')
    const notice = await site.mailTo(email, /was changed|geändert/i)
    await page.goto(linkIn(notice))
    await waitForView(page, 'form')
    await look('this was not me')
    await send(page, 'secure', { email })
    await waitForView(page, 'done')
    await look('secured')
  })
}

t.test('everything works with the keyboard alone', async t => {
  const site = await startSite(t)
  const { page } = await person(t, site)
  await registers(page, site, 'ada@example.org')
  await press(page, 'log-out')
  await waitForPath(page, site, '/app/login')
  await page.goto(`${site.url}/app/login`)
  await page.keyboard.press('Tab')
  t.equal(await page.evaluate(`document.activeElement.className`), 'skip', 'the first stop skips the header')
  await page.locator('[data-form="login"] [name="email"]').focus()
  await page.keyboard.type('ada@example.org')
  await page.keyboard.press('Tab')
  await page.keyboard.type(PASSWORD)
  await page.keyboard.press('Enter')
  await waitForAccount(page, site)
  await page.locator('[data-disclosure="password"] summary').focus()
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  t.equal(await page.evaluate(`document.activeElement.name`), 'currentPassword')
})

/** No axe violations, and no horizontal scrolling. */
async function isAccessibleAndFits(t: Test, page: Page, state: string) {
  await isAccessible(t, page, state)
  const { wide, has } = (await page.evaluate(
    `({ wide: document.documentElement.scrollWidth, has: document.documentElement.clientWidth })`,
  )) as { wide: number; has: number }
  t.ok(wide <= has, `${state}: fits`, { wide, has })
}
