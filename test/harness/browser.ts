// A real browser against the real service. Each person has a context, which is watched for forbidden
// behaviour.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import type { Test } from 'tap'
import { startApp, type TestApp, type TestAppOptions } from './app.ts'
import type { Teardown } from './database.ts'
import { freePort } from './free-port.ts'
import { emptyFolder } from './process.ts'
import type { ReceivedMail } from './smtp.ts'
import { until } from './until.ts'

/** Debian's path, or CHROMIUM. */
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
/** The same engine without the user interface: half the processor time. */
const HEADLESS_SHELL = '/usr/bin/chromium-headless-shell'
const EXECUTABLE = !process.env['CHROMIUM'] && existsSync(HEADLESS_SHELL) ? HEADLESS_SHELL : CHROMIUM
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
export const LAUNCH = {
  executablePath: EXECUTABLE,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
}
/** Only failing tests wait this long. */
const MAX_WAIT_MS = 60_000

export interface Site extends TestApp {
  /** Such as `http://localhost:49152`; links in emails begin with it. */
  url: string
  /** Waits for the newest email to an address with a matching subject. */
  mailTo(address: string, subject: RegExp): Promise<ReceivedMail>
}

export interface Person {
  context: BrowserContext
  page: Page
}

/** Starts the service on a free port. */
export async function startSite(t: Teardown, { env, ...options }: TestAppOptions = {}): Promise<Site> {
  const port = await freePort()
  const url = `http://localhost:${port}`
  const world = await startApp(t, { ...options, env: { HOST: '127.0.0.1', PORT: String(port), ...env } })
  await world.app.listen({ host: '127.0.0.1', port })
  const find = (address: string, subject: RegExp) =>
    world.smtp.mails.findLast(mail => mail.to.includes(address) && subject.test(mail.subject))
  return {
    ...world,
    url,
    async mailTo(address, subject) {
      await until(`a mail to ${address}: ${subject}`, () => find(address, subject) !== undefined)
      return find(address, subject) as ReceivedMail
    },
  }
}

/**
 * Starts a browser for a test file.
 *
 * @returns a function that opens a watched context: no console errors except refused requests, no other host,
 *   no token in an address
 */
export async function startBrowser(t: Teardown) {
  assertInstalled(EXECUTABLE)
  const browser: Browser = await chromium.launch(LAUNCH)
  t.teardown(() => browser.close())

  return async function person(
    t: Test,
    site: Pick<Site, 'url'>,
    options: Parameters<Browser['newContext']>[0] = {},
  ): Promise<Person> {
    const context = await browser.newContext({ locale: 'en-GB', acceptDownloads: true, ...options })
    watch(t, site, context)
    return { context, page: await context.newPage() }
  }
}

/** A person whose browser keeps no cookies and no data. */
export async function personWithoutCookies(t: Test, site: Pick<Site, 'url'>): Promise<Person> {
  assertInstalled(CHROMIUM)
  const profile = emptyFolder(t)
  const block = 2
  mkdirSync(join(profile, 'Default'))
  writeFileSync(
    join(profile, 'Default/Preferences'),
    JSON.stringify({ profile: { default_content_setting_values: { cookies: block } } }),
  )
  const context = await chromium.launchPersistentContext(profile, {
    ...LAUNCH,
    executablePath: CHROMIUM,
    locale: 'en-GB',
  })
  watch(t, site, context)
  return { context, page: await context.newPage() }
}

/** Fails the test at its end if a page did something forbidden. */
function watch(t: Test, site: Pick<Site, 'url'>, context: BrowserContext): void {
  context.setDefaultTimeout(MAX_WAIT_MS)
  const wrongs: string[] = []
  context.on('request', request => {
    const url = request.url()
    if (!url.startsWith(`${site.url}/`) && !/^(blob|data):/.test(url)) wrongs.push(`left the origin: ${url}`)
    if (/token=|eyJ/.test(url)) wrongs.push(`a token in an address: ${url}`)
  })
  context.on('console', message => {
    const { url } = message.location()
    if (message.type() === 'error' && !isRefusal(message.text(), url)) {
      wrongs.push(`on the console: ${message.text()} (${url})`)
    }
  })
  context.on('weberror', error => wrongs.push(`not caught: ${error.error().stack}`))
  t.teardown(async () => {
    await context.close()
    // After the end of a test, only an error can fail it.
    if (wrongs.length > 0) throw new Error(`behind the scenes: ${wrongs.join('\n')}`)
  })
}

function assertInstalled(path: string): void {
  if (!existsSync(path)) {
    throw new Error(`no browser at ${path}: install Debian's chromium, or name one in CHROMIUM`)
  }
}

/** Browsers report refused calls, which no page can prevent. Files of the page must load. */
function isRefusal(text: string, url: string): boolean {
  return text.startsWith('Failed to load resource') && !url.includes('/app/assets/')
}

/** Checks a page against axe's rules for WCAG 2.2 AA. */
export async function isAccessible(t: Test, page: Page, what: string): Promise<void> {
  await page.evaluate(AXE)
  const { violations } = (await page.evaluate(
    `axe.run(document, { runOnly: ${JSON.stringify(WCAG)}, resultTypes: ['violations'] })`,
  )) as { violations: { id: string; help: string; nodes: { html: string; failureSummary: string }[] }[] }
  t.strictSame(
    violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(node => `${node.html} ${node.failureSummary}`).join(' | ')}`,
    ),
    [],
    `${what}: accessible`,
  )
}
