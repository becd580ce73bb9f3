/** The examples of client/examples, compiled, and run in a browser in small front ends. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import t from 'tap'
import { confirmedAccount } from '../../harness/app.ts'
import { startBrowser, startSite } from '../../harness/browser.ts'
import { bundle, openTab, PLAIN, serveFrontEnd } from './front-end.ts'
import { PASSWORD } from './steps.ts'

const person = await startBrowser(t)
const ROOT = fileURLToPath(new URL('.', import.meta.resolve('#root/package.json')))
const email = 'ada@example.org'

const FRONT_ENDS = {
  React: `${PLAIN}
import { createElement } from 'react'
import { createRoot } from 'react-dom/client'
import { useSession } from '@examples/react.ts'
function App() {
  const { status, user } = useSession(latchkey)
  return createElement('p', null, status + ' ' + (user?.email ?? 'nobody'))
}
createRoot(document.querySelector('#app')).render(createElement(App))
`,
  Vue: `${PLAIN}
import { createApp, h } from 'vue'
import { useSession } from '@examples/vue.ts'
createApp({
  setup() {
    const { session, user } = useSession(latchkey)
    return () => h('p', session.value.status + ' ' + (user.value?.email ?? 'nobody'))
  },
}).mount('#app')
`,
}

const shows = (page: Page, text: string) => page.locator('p', { hasText: text }).waitFor()

t.test('the examples compile', async t => {
  // The test runner puts a loader into NODE_OPTIONS with which the compiler cannot start.
  const tsc = [join(ROOT, 'node_modules/.bin/tsc'), '-p', join(ROOT, 'client/examples'), '--pretty', 'false']
  const { status, stdout } = spawnSync('env', ['-u', 'NODE_OPTIONS', ...tsc], { encoding: 'utf8' })
  t.strictSame({ status, stdout }, { status: 0, stdout: '' })
})

for (const [name, source] of Object.entries(FRONT_ENDS)) {
  t.test(`${name}: a component follows the session`, async t => {
    const site = await startSite(t)
    await confirmedAccount(site, email, PASSWORD)
    const { context } = await person(t, site)
    await serveFrontEnd(context, site, await bundle(source))
    const [one, two] = [await openTab(context, site), await openTab(context, site)]
    for (const tab of [one, two]) await shows(tab, 'logged_out nobody')
    await one.evaluate(`frontEnd.latchkey.login({ email: '${email}', password: '${PASSWORD}' })`)
    for (const tab of [one, two]) await shows(tab, `logged_in ${email}`)
    await two.reload()
    await shows(two, `logged_in ${email}`)
    await two.evaluate('frontEnd.latchkey.logout()')
    for (const tab of [one, two]) await shows(tab, 'logged_out nobody')
    t.pass()
  })
}
