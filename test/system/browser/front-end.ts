/** Front ends with @latchkey/client, bundled and served at the origin of the service. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { BrowserContext, Page } from 'playwright-core'
import type { Site } from '../../harness/browser.ts'

const ROOT = dirname(fileURLToPath(import.meta.resolve('#root/package.json')))
const CSP =
  "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:; require-trusted-types-for 'script'"

/** A client, the reasons of its `onSessionEnd`, and the statuses of its session, in order. */
export const PLAIN = `
import { createClient } from '@latchkey/client'
const latchkey = createClient()
const frontEnd = { latchkey, ends: [], statuses: [latchkey.getState().status] }
latchkey.onSessionEnd(reason => frontEnd.ends.push(reason))
latchkey.subscribe(() => frontEnd.statuses.push(latchkey.getState().status))
window.frontEnd = frontEnd
`

/** Bundles a script; `@latchkey/client` is client/, `@examples/…` are its examples. */
export async function bundle(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: ROOT, loader: 'ts' },
    bundle: true,
    format: 'esm',
    target: 'es2021',
    define: { 'process.env.NODE_ENV': '"production"', __VUE_OPTIONS_API__: 'false' },
    alias: {
      '@latchkey/client': join(ROOT, 'client/src/index.ts'),
      '@examples': join(ROOT, 'client/examples'),
    },
    write: false,
    logLevel: 'silent',
  })
  return outputFiles[0]?.text ?? ''
}

/** Serves a front end at /front-end/. */
export async function serveFrontEnd(context: BrowserContext, site: Site, script: string): Promise<void> {
  await context.route(`${site.url}/front-end/`, route =>
    route.fulfill({
      contentType: 'text/html',
      headers: { 'content-security-policy': CSP },
      body: '<!doctype html><title>App</title><link rel="icon" href="data:,"><div id="app"></div><script type="module" src="app.js"></script>',
    }),
  )
  await context.route(`${site.url}/front-end/app.js`, route =>
    route.fulfill({ contentType: 'text/javascript', body: script }),
  )
}

/** Opens the front end in another tab. */
export async function openTab(context: BrowserContext, site: Site): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${site.url}/front-end/`)
  await page.waitForFunction(() => (globalThis as FrontEnd).frontEnd !== undefined)
  return page
}

interface FrontEnd {
  frontEnd?: { latchkey: { getState(): { status: string } }; ends: string[] }
}

/** Waits until a front end has one of these statuses. */
export async function hasStatus(page: Page, ...statuses: string[]): Promise<void> {
  await page.waitForFunction(
    statuses => statuses.includes((globalThis as FrontEnd).frontEnd?.latchkey.getState().status ?? ''),
    statuses,
  )
}

/** Waits until a front end has received the reason of an end. */
export async function hasEnded(page: Page): Promise<void> {
  await page.waitForFunction(() => ((globalThis as FrontEnd).frontEnd?.ends.length ?? 0) > 0)
}
