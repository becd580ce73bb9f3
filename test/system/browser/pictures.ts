/**
 * Takes pictures of every page and email, for people to look at.
 *
 * `npm run screenshots` writes those of the documentation to docs/screenshots. `npm run screenshots -- FOLDER en,de`
 * writes all of them, and contact sheets, to a folder: wide and narrow, light and dark, in each of these languages.
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { LAUNCH, type Site, startSite } from '../../harness/browser.ts'
import { kinds, render } from '../../unit/mail/mail-contexts.ts'
import {
  errorOf,
  fill,
  linkIn,
  NEW_PASSWORD,
  openSection,
  PASSWORD,
  send,
  waitForAccount,
  waitForPath,
  waitForStep2,
  waitForView,
} from './steps.ts'

const EMAIL = 'ada@example.org'
const WIDE = { width: 1280, height: 800 }
const NARROW = { width: 360, height: 740 }
/** As long as a real token. */
const TOKEN = Array.from({ length: 330 }, (_, i) => 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.'[i % 37]).join('')

const ends: (() => unknown)[] = []
const t = { teardown: (end: () => unknown) => void ends.unshift(end) }

const [folder, languages = 'en,de'] = process.argv.slice(2)
try {
  const browser = await chromium.launch(LAUNCH)
  ends.push(() => browser.close())
  if (folder === undefined) await takeForReadme(browser)
  else for (const language of languages.split(',')) await takeAll(browser, folder, language)
} finally {
  for (const end of ends) await end()
}

type Shoot = (page: Page, name: string) => Promise<void>

/** Every state of every page, and every email, in one language. */
async function takeAll(browser: Browser, folder: string, language: string): Promise<void> {
  const target = join(folder, language)
  mkdirSync(target, { recursive: true })
  const shoot: Shoot = async (page, name) => {
    for (const [size, viewport] of Object.entries({ wide: WIDE, narrow: NARROW })) {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.setViewportSize(viewport)
        await page.emulateMedia({ colorScheme })
        const height = (await page.evaluate('document.documentElement.scrollHeight')) as number
        const clip = size === 'wide' ? { clip: { x: 320, y: 0, width: 640, height } } : {}
        const path = join(target, `${size}-${colorScheme}-${name}.png`)
        await page.screenshot({ path, fullPage: true, ...clip })
      }
    }
  }
  const context = await browser.newContext({ locale: language })
  const page = await context.newPage()
  const site = await startSite(t)
  await visit(page, site, shoot)
  await own(page, site, shoot)
  await page.goto('about:blank')
  for (const kind of kinds) {
    const mail = render(kind, { locale: language, ...linkFor(kind) })
    await page.setContent(mail.html)
    await shoot(page, `mail-${kind}`)
  }
  await context.close()
  const sheet = await browser.newPage()
  for (const style of ['wide-light', 'wide-dark', 'narrow-light', 'narrow-dark']) {
    for (const part of ['page', 'mail']) await contactSheet(sheet, target, `${style}-${part}`)
  }
  await sheet.close()
}

function linkFor(kind: string): { link?: string } {
  if (/^(password_change_code|farewell)$/.test(kind)) return {}
  const path = kind === 'already_registered' ? 'forgot-password' : `reset-password#token=${TOKEN}`
  return { link: `https://accounts.example.org/app/${path}` }
}

async function visit(page: Page, site: Site, shoot: Shoot): Promise<void> {
  for (const path of [
    '',
    'register',
    'login',
    'forgot-password',
    'confirm-email',
    'reset-password',
    'change-email',
    'secure',
    'nowhere',
  ]) {
    await page.goto('about:blank')
    await page.goto(`${site.url}/app/${path}`.replace(/\/$/, ''))
    await page.locator('h1').waitFor()
    await shoot(page, `page-${path || 'home'}`)
  }
  await page.goto(`${site.url}/app/login`)
  await send(page, 'login')
  await errorOf(page, 'login')
  await shoot(page, 'page-login-empty')
  await send(page, 'login', { email: EMAIL, password: 'not the password of it' })
  await page.locator('[data-offer]').waitFor({ state: 'visible' })
  await shoot(page, 'page-login-refused')
  await page.goto(`${site.url}/app/register`)
  await send(page, 'register', { email: EMAIL })
  await waitForView(page, 'sent')
  await shoot(page, 'page-register-sent')
}

async function own(page: Page, site: Site, shoot: Shoot): Promise<void> {
  await page.goto(linkIn(await site.mailTo(EMAIL, /./)))
  await waitForView(page, 'form')
  await fill(page, 'confirm', { newPassword: PASSWORD, repeat: PASSWORD.slice(0, -1) })
  await send(page, 'confirm')
  await errorOf(page, 'confirm')
  await page.waitForTimeout(600)
  await shoot(page, 'page-confirm-form')
  await send(page, 'confirm', { newPassword: PASSWORD, repeat: PASSWORD })
  await waitForAccount(page, site)
  await page.locator('[data-events] li').first().waitFor()
  await shoot(page, 'page-account')
  for (const part of ['password', 'email', 'delete']) await openSection(page, part)
  await shoot(page, 'page-account-unfolded')
  await send(page, 'email-change', { newEmail: 'new@example.org', currentPassword: PASSWORD })
  await waitForStep2(page, 'email')
  await send(page, 'password-request', { currentPassword: PASSWORD })
  await waitForStep2(page, 'password')
  await shoot(page, 'page-account-steps')
  await page.goto(linkIn(await site.mailTo('new@example.org', /./)))
  await waitForView(page, 'form')
  await shoot(page, 'page-change-email-form')
  await page.goto(`${site.url}/app/account`)
  await waitForAccount(page, site)
  await page.locator('[data-act="log-out"]').click()
  await waitForPath(page, site, '/app/login')
  await page.goto(`${site.url}/app/forgot-password`)
  await send(page, 'request', { email: EMAIL })
  await waitForView(page, 'sent')
  await shoot(page, 'page-forgot-sent')
  const reset = await site.mailTo(EMAIL, /reset your|zurück|réinit|restab|postavite novu/i)
  await page.goto(linkIn(reset))
  await waitForView(page, 'form')
  await fill(page, 'reset', { newPassword: NEW_PASSWORD })
  await page.waitForTimeout(600)
  await shoot(page, 'page-reset-form')
  await send(page, 'reset', { newPassword: 'short', repeat: 'short' })
  await errorOf(page, 'reset')
  await page.waitForTimeout(600)
  await shoot(page, 'page-reset-refused')
  await send(page, 'reset', { newPassword: NEW_PASSWORD, repeat: NEW_PASSWORD })
  await waitForPath(page, site, '/app/login')
  await page.locator('[data-notice]').waitFor({ state: 'visible' })
  await shoot(page, 'page-login-after-reset')
  await page.goto(linkIn(reset))
  await waitForView(page, 'stale')
  await shoot(page, 'page-reset-stale')
  await page.goto(linkIn(await site.mailTo(EMAIL, /was changed|geändert|changé|cambiado|promijenjena/i)))
  await waitForView(page, 'form')
  await shoot(page, 'page-secure-form')
  await send(page, 'secure', { email: 'wrong@example.org' })
  await waitForView(page, 'stale')
  await shoot(page, 'page-secure-stale')
  await page.locator('[data-act="type-again"]').click()
  await send(page, 'secure', { email: EMAIL })
  await waitForView(page, 'done')
  await shoot(page, 'page-secure-done')
}

/** All pictures of one style side by side. */
async function contactSheet(page: Page, folder: string, style: string): Promise<void> {
  const names = readdirSync(folder).filter(name => name.startsWith(style))
  const [columns, width] = style.startsWith('narrow') ? [5, 360] : [3, 640]
  const css = `body{margin:8px;background:#888;font:14px sans-serif;display:flex;flex-wrap:wrap;gap:8px;align-items:start}
figure{margin:0;width:${width}px}img{display:block;width:${width}px;object-fit:cover}`
  await page.setViewportSize({ width: columns * (width + 8) + 16, height: 900 })
  for (let i = 0; i * 2 * columns < names.length; i++) {
    const figures = names.slice(i * 2 * columns, (i + 1) * 2 * columns).map(name => {
      const data = readFileSync(join(folder, name)).toString('base64')
      return `<figure><figcaption>${name}</figcaption><img src="data:image/png;base64,${data}"></figure>`
    })
    await page.setContent(`<style>${css}</style>${figures.join('')}`)
    await page.screenshot({ path: join(folder, `sheet-${style}-${i}.png`), fullPage: true })
  }
}

/** Each in the size in which it is displayed, so that the file is small. */
async function takeForReadme(browser: Browser): Promise<void> {
  const target = fileURLToPath(new URL('docs/screenshots/', import.meta.resolve('#root/package.json')))
  const site = await startSite(t)
  const open = async (options: BrowserContextOptions) => {
    const context = await browser.newContext({ locale: 'en-GB', ...options })
    ends.unshift(() => context.close())
    return context.newPage()
  }
  const take = (page: Page, name: string) => page.screenshot({ path: join(target, `${name}.png`) })

  const page = await open({ viewport: { width: 720, height: 800 } })
  await page.goto(`${site.url}/app/register`)
  await send(page, 'register', { email: EMAIL })
  await page.goto(linkIn(await site.mailTo(EMAIL, /confirm/i)))
  await send(page, 'confirm', { newPassword: PASSWORD, repeat: PASSWORD })
  await waitForAccount(page, site)
  await page.reload()
  await page.locator('[data-events] li').first().waitFor()
  await page.setViewportSize({ width: 720, height: 1000 })
  await take(page, 'account')
  await page.locator('[data-act="log-out"]').click()
  await waitForPath(page, site, '/app/login')
  await page.setViewportSize({ width: 720, height: 820 })
  await page.goto('about:blank')
  await page.goto(`${site.url}/app/login`)
  await send(page, 'login', { email: EMAIL, password: 'not the password of it' })
  await errorOf(page, 'login')
  await take(page, 'log-in')

  const phone = await open({ viewport: { width: 360, height: 860 }, locale: 'de', hasTouch: true })
  await phone.goto(`${site.url}/app/forgot-password`)
  await send(phone, 'request', { email: EMAIL })
  await waitForView(phone, 'sent')
  await fill(phone, 'code', { code: '1234 5678' })
  await take(phone, 'code-on-a-phone')

  const dark = await open({ viewport: { width: 720, height: 820 }, colorScheme: 'dark' })
  await dark.goto(linkIn(await site.mailTo(EMAIL, /reset/i)))
  await waitForView(dark, 'form')
  await fill(dark, 'reset', { newPassword: NEW_PASSWORD })
  await dark.locator('.strength[data-level="strong"]:not(:empty)').first().waitFor()
  await take(dark, 'reset-password')

  const mail = await open({ viewport: { width: 640, height: 880 } })
  await mail.setContent(render('reset_password', linkFor('reset_password')).html)
  await take(mail, 'email')

  const docs = await open({ viewport: { width: 1120, height: 860 } })
  await docs.goto(`${site.url}/docs`)
  await docs.locator('.opblock').first().waitFor()
  await take(docs, 'swagger-ui')
}
