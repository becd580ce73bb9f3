/** Steps of a person on the pages, by the hooks of their markup (web/server/parts.ts). */
import type { Page } from 'playwright-core'
import type { Site } from '../../harness/browser.ts'
import type { ReceivedMail } from '../../harness/smtp.ts'

export const PASSWORD = 'correct horse battery staple'
export const NEW_PASSWORD = 'a staple of correct batteries'

/** The link of an email. */
export function linkIn(mail: ReceivedMail): string {
  const link = /^https?:\S+$/m.exec(mail.text)?.[0]
  if (link === undefined) throw new Error(`no link in the mail: ${mail.subject}`)
  return link
}

/** Waits until a page shows this view. */
export async function waitForView(page: Page, view: string): Promise<void> {
  await page.locator(`[data-view="${view}"]`).waitFor({ state: 'visible' })
}

/** Fills the fields of a visible form. */
export async function fill(page: Page, form: string, fields: Record<string, string>): Promise<void> {
  for (const [name, value] of Object.entries(fields)) {
    await page.locator(`[data-form="${form}"] [name="${name}"]`).fill(value)
  }
}

/** Fills a form and submits it. */
export async function send(page: Page, form: string, fields: Record<string, string> = {}): Promise<void> {
  await fill(page, form, fields)
  await page.locator(`[data-form="${form}"] button[type="submit"]`).click()
}

/** Presses a button that does not submit. */
export async function press(page: Page, act: string): Promise<void> {
  await page.locator(`[data-act="${act}"]`).first().click()
}

/** Waits until a form reports success. */
export async function reportsSuccess(page: Page, form: string): Promise<void> {
  await page.locator(`[data-form="${form}"]:not([aria-busy="true"]) [data-progress]:not(:empty)`).waitFor()
}

/** Waits for the second step of a part of the account page. */
export async function waitForStep2(page: Page, part: string): Promise<void> {
  await page.locator(`[data-disclosure="${part}"] [data-step="2"]`).waitFor({ state: 'visible' })
}

/** Opens a collapsed section of the account page. */
export async function openSection(page: Page, name: string): Promise<void> {
  await page.locator(`[data-disclosure="${name}"] summary`).click()
}

/** Waits for an error of a form, beside a field or for all of it. Returns its text. */
export async function errorOf(page: Page, form: string): Promise<string> {
  const complaint = page.locator(`[data-form="${form}"] .error:visible`).first()
  await complaint.waitFor()
  return complaint.innerText()
}

/** Waits until the browser is on a page. */
export async function waitForPath(page: Page, site: Pick<Site, 'url'>, path: string): Promise<void> {
  await page.waitForURL(url => url.href.split('#')[0] === `${site.url}${path}`)
}

/** Registers on the pages and confirms with the link of the email; ends on the account page. */
export async function registers(page: Page, site: Site, email: string, password = PASSWORD): Promise<void> {
  await page.goto(`${site.url}/app/register`)
  await send(page, 'register', { email })
  await waitForView(page, 'sent')
  await page.goto(linkIn(await site.mailTo(email, /confirm/i)))
  await confirms(page, password)
  await waitForAccount(page, site)
}

/** Chooses a password on the confirmation page. */
export async function confirms(page: Page, password = PASSWORD): Promise<void> {
  await send(page, 'confirm', { newPassword: password, repeat: password })
}

/** Logs in on the pages. */
export async function logsIn(page: Page, site: Site, email: string, password = PASSWORD): Promise<void> {
  await page.goto(`${site.url}/app/login`)
  await send(page, 'login', { email, password })
  await waitForAccount(page, site)
}

/** Waits until the account page is complete. */
export async function waitForAccount(page: Page, site: Pick<Site, 'url'>): Promise<void> {
  await waitForPath(page, site, '/app/account')
  await waitForView(page, 'account')
}
