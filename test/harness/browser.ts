/**
 * People with a real browser before the real service: each has a context of their own, and whatever a
 * page must never do is watched for in all of them.
 */
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

/** Debian's, or the one that CHROMIUM names. */
const EXECUTABLE = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
const LAUNCH = {
  executablePath: EXECUTABLE,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
}
/** A page waits for what it shows; only a failing test waits so long. */
const PATIENCE_MS = 60_000

/** The service on a port, with its pages. */
export interface Site extends TestApp {
  /** Such as `http://localhost:49152`; what the links of mails begin with. */
  url: string
  /** The newest mail to an address whose subject matches, which may still be on its way. */
  mailTo(address: string, subject: RegExp): Promise<ReceivedMail>
}

/** Somebody with a browser. */
export interface Person {
  context: BrowserContext
  page: Page
}

/** Starts the service on a free port; it ends with the test. */
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
 * Starts a browser for a file of tests.
 *
 * @returns a function that opens a context of its own for a person, watched until the test ends: no error on
 *   the console but those of refused requests, no request to another host, no token in any address
 */
export async function startBrowser(t: Teardown) {
  assertInstalled()
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

/**
 * Somebody with a browser of their own, which is set to keep no cookies and no data, as people set it.
 *
 * @returns the person, watched as those of `startBrowser` are
 */
export async function personWithoutCookies(t: Test, site: Pick<Site, 'url'>): Promise<Person> {
  assertInstalled()
  const profile = emptyFolder(t)
  const block = 2
  mkdirSync(join(profile, 'Default'))
  writeFileSync(
    join(profile, 'Default/Preferences'),
    JSON.stringify({ profile: { default_content_setting_values: { cookies: block } } }),
  )
  const context = await chromium.launchPersistentContext(profile, { ...LAUNCH, locale: 'en-GB' })
  watch(t, site, context)
  return { context, page: await context.newPage() }
}

/** Fails the test at its end where a page did what none may do; closes the context. */
function watch(t: Test, site: Pick<Site, 'url'>, context: BrowserContext): void {
  context.setDefaultTimeout(PATIENCE_MS)
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
    // The test is over: an error is what it can still fail by.
    if (wrongs.length > 0) throw new Error(`behind the scenes: ${wrongs.join('\n')}`)
  })
}

function assertInstalled(): void {
  if (!existsSync(EXECUTABLE)) {
    throw new Error(`no browser at ${EXECUTABLE}: install Debian's chromium, or name one in CHROMIUM`)
  }
}

/** A call that was refused or failed: browsers report each, and no page can prevent that. Its own files must load. */
function isRefusal(text: string, url: string): boolean {
  return text.startsWith('Failed to load resource') && !url.includes('/app/assets/')
}

/** Holds a page, as it is now, against the rules of WCAG 2.2 AA and good practice that axe knows. */
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
