/** The pages and Swagger UI below a path, behind nginx: a request outside the path fails the test. */
import t, { type Test } from 'tap'
import { type Site, startBrowser, startSite } from '../../harness/browser.ts'
import { freePort } from '../../harness/free-port.ts'
import { noNginx, startNginx } from '../../harness/nginx.ts'
import {
  linkIn,
  logsIn,
  NEW_PASSWORD,
  press,
  registers,
  send,
  waitForAccount,
  waitForPath,
  waitForView,
} from './steps.ts'

const person = await startBrowser(t)
const email = 'ada@example.org'

/** The service at /accounts, behind nginx with one location. */
async function startBelow(t: Test, location: (upstream: string) => string): Promise<Site> {
  const port = await freePort()
  const url = `http://localhost:${port}/accounts`
  const site = await startSite(t, { env: { APP_URL: url } })
  const upstream = site.url.replace('localhost', '127.0.0.1')
  await startNginx(t, port, {
    'nginx.conf': `
daemon off;
pid nginx.pid;
error_log stderr warn;
events {}
http {
  client_body_temp_path client-body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  access_log off;
  server {
    listen 127.0.0.1:${port};
    proxy_set_header Host $http_host;
    ${location(upstream)}
    location / { return 418; }
  }
}`,
  })
  return { ...site, url }
}

const VARIANTS = {
  'a proxy that strips the path': (upstream: string) => `location /accounts/ { proxy_pass ${upstream}/; }`,
  'a proxy that passes the path on': (upstream: string) => `location /accounts { proxy_pass ${upstream}; }`,
}

for (const [name, location] of Object.entries(VARIANTS)) {
  t.test(`all requests stay below the path: ${name}`, { skip: noNginx }, async t => {
    const site = await startBelow(t, location)
    const { page, context } = await person(t, site)

    await registers(page, site, email)
    const cookies = await context.cookies(`${site.url}/token/refresh`)
    t.strictSame(
      cookies.map(({ path }) => path),
      ['/accounts/token/refresh'],
    )
    await page.reload()
    await waitForAccount(page, site)
    await press(page, 'log-out')
    await waitForPath(page, site, '/app/login')
    t.strictSame(await context.cookies(`${site.url}/token/refresh`), [])

    await page.goto(`${site.url}/app/forgot-password/`)
    t.equal(page.url(), `${site.url}/app/forgot-password`, 'a slash at the end')
    await send(page, 'request', { email })
    await waitForView(page, 'sent')
    const link = linkIn(await site.mailTo(email, /reset/i))
    t.ok(link.startsWith(`${site.url}/app/reset-password#`))
    await page.goto(link.replace('#', '/#'))
    await waitForView(page, 'form')
    t.pass('a slash before the fragment leaves the token alone')
    await send(page, 'reset', { newPassword: NEW_PASSWORD, repeat: NEW_PASSWORD })
    await waitForPath(page, site, '/app/login')
    await logsIn(page, site, email, NEW_PASSWORD)
    await page.goto(`${site.url}/app/nowhere/at/all`)
    await page.locator('main a').click()
    await waitForPath(page, site, '/app')
    await page.goto(`${site.url}/`)
    await waitForPath(page, site, '/app')

    for (const docs of ['/docs', '/docs/', '/docs/static/index.html']) {
      await page.goto(site.url + docs)
      await page.locator('#operations-health-live').waitFor()
    }
    t.equal(page.url(), `${site.url}/docs`)
    const called = page.waitForResponse(`${site.url}/health/live`)
    await page.locator('#operations-health-live .opblock-summary-control').click()
    await page.locator('#operations-health-live .execute').click()
    t.equal((await called).status(), 200, '"try it out" reaches the service')
  })
}
