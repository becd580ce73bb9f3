/** Targets of the links in real emails. */
import t from 'tap'
import { confirmedAccount, startApp, type TestApp } from '../../harness/app.ts'
import { mailTo, withMails } from '../../harness/mailbox.ts'
import { invitationTo } from '../../harness/operators.ts'
import { openRows } from '../../harness/rows.ts'
import type { ReceivedMail } from '../../harness/smtp.ts'

const password = 'correct horse battery staple'
const TOKEN = /^#token=[\w-]+\.[\w-]+\.[\w-]+$/

/** Every kind of link, each from its email. */
async function linksOf(t: { teardown(handler: () => unknown): unknown }, service: TestApp) {
  const { app } = service
  const rows = await openRows(t, service.databaseUrl)
  const account = await confirmedAccount(service)
  const authorization = `Bearer ${account.accessToken}`
  const caused = async (url: string, payload: object) =>
    (
      await withMails(service, rows, () =>
        app.inject({ method: 'POST', url, payload, headers: { authorization } }),
      )
    ).mails
  const email = 'ada@example.org'
  const confirm = await caused('/register', { email, password })
  const unregistered = await caused('/password-reset/request', { email })
  const again = await caused('/register', { email: account.email, password })
  const reset = await caused('/password-reset/request', { email: account.email })
  const newEmail = 'grace@example.org'
  const move = await caused('/email-change/request', { currentPassword: password, newEmail })
  return {
    invite: linkIn(await invitationTo(service, rows, 'guest@example.org')),
    confirm: linkIn(confirm[0]),
    unregistered: linkIn(unregistered[0]),
    again: linkIn(again[0]),
    reset: linkIn(reset[0]),
    change: linkIn(mailTo(move, newEmail, /./)),
    secure: linkIn(mailTo(move, account.email, /./)),
  }
}

/** The link of an email, which text and HTML must agree on, split before the fragment. */
function linkIn(mail: ReceivedMail | undefined): [page: string, fragment: string] {
  const link = /^[a-z][\w.+-]*:\S+$/im.exec(mail?.text ?? '')?.[0]
  const [, href] = /href="([^"]+)"/.exec(mail?.html ?? '') ?? []
  if (link === undefined || href?.replaceAll('&amp;', '&') !== link) {
    throw new Error(`text and HTML of ${mail?.subject} lead to ${link} and ${href}`)
  }
  const at = link.indexOf('#')
  return at < 0 ? [link, ''] : [link.slice(0, at), link.slice(at)]
}

t.test('by default links lead to the pages of the service', async t => {
  for (const APP_URL of ['https://example.org/accounts', 'https://example.org/accounts/']) {
    const links = await linksOf(t, await startApp(t, { env: { APP_URL } }))
    const app = 'https://example.org/accounts/app'
    t.match(links, {
      invite: [`${app}/accept-invitation`, TOKEN],
      confirm: [`${app}/confirm-email`, TOKEN],
      unregistered: [`${app}/confirm-email`, TOKEN],
      again: [`${app}/forgot-password`, ''],
      reset: [`${app}/reset-password`, TOKEN],
      change: [`${app}/change-email`, TOKEN],
      secure: [`${app}/secure`, TOKEN],
    })
    t.equal(links.again[1], '', 'no token, no fragment')
  }
})

t.test('each link can lead to a front end, with a query, or to an app', async t => {
  const env = {
    APP_URL: 'https://example.org',
    ACCEPT_INVITATION_URL: 'https://app.example.net/join',
    CONFIRM_EMAIL_URL: 'https://app.example.net/welcome?from=mail&x=1',
    RESET_PASSWORD_URL: 'myapp://reset',
    FORGOT_PASSWORD_URL: 'https://app.example.net/forgot/',
    CHANGE_EMAIL_URL: 'com.example.app:/address',
    SECURE_ACCOUNT_URL: 'http://localhost:5173/secure',
    CHANGE_PASSWORD_URL: 'https://app.example.net/never-in-a-mail',
  }
  const links = await linksOf(t, await startApp(t, { env }))
  t.match(links, {
    invite: [env.ACCEPT_INVITATION_URL, TOKEN],
    confirm: [env.CONFIRM_EMAIL_URL, TOKEN],
    unregistered: [env.CONFIRM_EMAIL_URL, TOKEN],
    again: [env.FORGOT_PASSWORD_URL, ''],
    reset: [env.RESET_PASSWORD_URL, TOKEN],
    change: [env.CHANGE_EMAIL_URL, TOKEN],
    secure: [env.SECURE_ACCOUNT_URL, TOKEN],
  })
  t.equal(links.again[1], '', 'no token, no fragment')
})

t.test('links that are not overridden lead to the service', async t => {
  const env = { APP_URL: 'https://example.org', PAGES: 'off', RESET_PASSWORD_URL: 'myapp://reset' }
  const { reset, confirm, secure } = await linksOf(t, await startApp(t, { env }))
  t.equal(reset[0], 'myapp://reset')
  t.equal(confirm[0], 'https://example.org/app/confirm-email')
  t.equal(secure[0], 'https://example.org/app/secure')
})
