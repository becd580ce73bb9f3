/** @latchkey/client in a real browser: tabs that share a session. */
import type { ServerResponse } from 'node:http'
import type { BrowserContext, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { confirmedAccount, testClock } from '../../harness/app.ts'
import { type Site, startBrowser, startSite } from '../../harness/browser.ts'
import { until } from '../../harness/until.ts'
import { bundle, hasEnded, hasStatus, openTab, PLAIN, serveFrontEnd } from './front-end.ts'
import { PASSWORD } from './steps.ts'

const person = await startBrowser(t)
const script = await bundle(PLAIN)
const email = 'ada@example.org'
/** Longer than the lifetime of an access token, in seconds. */
const LATER = 1000

async function start(t: Test, prepare: (context: BrowserContext) => Promise<unknown> = async () => {}) {
  const time = testClock()
  const site = await startSite(t, { overrides: { clock: time.clock } })
  await confirmedAccount(site, email, PASSWORD)
  const { context } = await person(t, site)
  await prepare(context)
  await serveFrontEnd(context, site, script)
  const called: string[] = []
  context.on('request', request => called.push(`${request.method()} ${new URL(request.url()).pathname}`))
  const refreshes = () => called.filter(line => line === 'POST /token/refresh').length
  return { site, time, context, called, refreshes }
}

const logIn = (page: Page, address = email) =>
  page.evaluate(
    `frontEnd.latchkey.login({ email: '${address}', password: '${PASSWORD}' }).then(({ ok }) => ok)`,
  )
const reads = (page: Page): Promise<string> =>
  page.evaluate('frontEnd.latchkey.me().then(({ ok, data, problem }) => ok ? data.email : problem.code)')
/** Without BroadcastChannel a storage event announces a login, and the next call adopts it. */
async function adoptLogin(t: Test, tabs: Page[], name: string): Promise<void> {
  for (const tab of tabs) {
    await hasStatus(tab, 'logged_in', 'unknown')
    t.equal(await reads(tab), email, name)
  }
}
const endsOf = (page: Page): Promise<string[]> => page.evaluate('frontEnd.ends')

const WITHOUT =
  'for (const name of ["BroadcastChannel"]) delete window[name]; delete Navigator.prototype.locks'

for (const [name, prepare, most] of [
  ['Web Locks and BroadcastChannel', undefined, 1],
  ['neither of them', (context: BrowserContext) => context.addInitScript(WITHOUT), 3],
] as const) {
  t.test(`${name}: three tabs stay logged in, and all are notified of a logout`, async t => {
    const { site, time, context, called, refreshes } = await start(t, prepare)
    const tabs = [await openTab(context, site), await openTab(context, site), await openTab(context, site)]
    const [first, second] = tabs as [Page, Page, Page]
    t.strictSame(
      await Promise.all(tabs.map(reads)).then(codes => new Set(codes)),
      new Set(['unauthenticated']),
    )
    t.strictSame(
      called.filter(line => /^POST|\/me$/.test(line)),
      [],
      'without a session no request is sent',
    )
    t.equal(await logIn(first), true)
    await adoptLogin(t, tabs, 'a login is known in every tab')

    for (const round of [1, 2]) {
      time.advance(LATER)
      const before = refreshes()
      const all = await Promise.all([...tabs, ...tabs, ...tabs].map(reads))
      t.strictSame(new Set(all), new Set([email]), `refresh ${round}: all go on`)
      const made = refreshes() - before
      t.ok(made >= 1 && made <= most, `by ${made} requests`)
    }

    t.match(await second.evaluate('frontEnd.latchkey.logout()'), { ok: true })
    for (const tab of tabs) {
      await hasStatus(tab, 'logged_out')
      t.strictSame(await endsOf(tab), ['logged_out'])
      t.equal(await reads(tab), 'unauthenticated')
    }
    t.equal(await logIn(second), true)
    await adoptLogin(t, tabs, 'and are notified of the next login')
  })
}

t.test('a login with another account in another tab replaces the session with a notification', async t => {
  const { site, context } = await start(t)
  await confirmedAccount(site, 'eve@example.org', PASSWORD)
  const [one, two] = [await openTab(context, site), await openTab(context, site)]
  await logIn(one)
  await hasStatus(two, 'logged_in')
  await logIn(two, 'eve@example.org')
  await hasEnded(one)
  t.strictSame(await endsOf(one), ['replaced'])
  t.strictSame(await endsOf(two), [])
  t.equal(await reads(one), 'eve@example.org')
})

t.test('a reload keeps the session, and a restored tab notices a logout', async t => {
  const { site, context } = await start(t)
  const [one, two] = [await openTab(context, site), await openTab(context, site)]
  await logIn(one)
  await two.reload()
  t.match(await two.evaluate('frontEnd.latchkey.restore()'), { status: 'logged_in' })
  await two.goto(`${site.url}/health/live`)
  await one.evaluate('frontEnd.latchkey.logout()')
  await two.goBack()
  await hasStatus(two, 'logged_out')
  t.pass()
})

/** Lets the service process the next refresh, and cuts the connection instead of responding. */
function cutNextRefresh(site: Site): () => boolean {
  let cut = false
  site.app.server.prependListener('request', (request, response: ServerResponse) => {
    if (cut || request.url !== '/token/refresh') return
    cut = true
    response.end = () => {
      response.destroy()
      return response
    }
  })
  return () => cut
}

t.test('recovers from a truncated response to a refresh', async t => {
  const { site, time, context } = await start(t)
  const tab = await openTab(context, site)
  await logIn(tab)
  for (const round of [1, 2]) {
    time.advance(LATER)
    const wasCut = cutNextRefresh(site)
    t.equal(await reads(tab), email, `round ${round}`)
    t.ok(wasCut())
  }
  t.strictSame(await endsOf(tab), [])
})

t.test('being offline does not log out', async t => {
  const { site, time, context } = await start(t)
  const tab = await openTab(context, site)
  await logIn(tab)
  time.advance(LATER)
  await context.setOffline(true)
  t.equal(await reads(tab), 'network')
  await context.setOffline(false)
  t.equal(await reads(tab), email)
  t.strictSame(await tab.evaluate('frontEnd.statuses'), ['logged_out', 'logged_in'])
})

t.test('a visible page refreshes shortly before expiry, a hidden one when it becomes visible', async t => {
  const { site, time, context, refreshes } = await start(t)
  await context.clock.install()
  const tab = await openTab(context, site)
  await logIn(tab)
  const minutes = async (count: number) => {
    time.advance(count * 60)
    await tab.clock.runFor(count * 60_000)
  }
  const begun = refreshes()
  await minutes(13)
  t.equal(refreshes(), begun, 'not early')
  await minutes(1.01)
  await until('a refresh before the end', () => refreshes() === begun + 1)
  t.equal(await reads(tab), email)

  await tab.evaluate(
    "Object.defineProperty(document, 'visibilityState', { configurable: true, value: 'hidden' })",
  )
  await minutes(16)
  t.equal(refreshes(), begun + 1, 'nobody looks')
  await tab.evaluate("delete document.visibilityState; document.dispatchEvent(new Event('visibilitychange'))")
  await until('a refresh at the return', () => refreshes() === begun + 2)
  t.equal(await reads(tab), email)
  t.equal(refreshes(), begun + 2)
})
