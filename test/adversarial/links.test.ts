// Links in emails come from configuration only; the request has no influence.
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import t, { type Test } from 'tap'
import { confirmedAccount, startApp, type TestApp } from '../harness/app.ts'
import { isProblemOf } from '../harness/problem.ts'
import { openRows } from '../harness/rows.ts'

const EVIL = 'evil.example'

/** Headers from which some frameworks build links. */
const HOSTILE: Record<string, string>[] = [
  { host: EVIL },
  { 'x-forwarded-host': EVIL },
  { 'x-forwarded-host': `app.example.org, ${EVIL}` },
  { 'x-forwarded-proto': 'evil', 'x-forwarded-host': EVIL },
  { 'x-forwarded-server': EVIL, 'x-forwarded-port': '6666', 'x-forwarded-prefix': `//${EVIL}` },
  { 'x-forwarded-for': EVIL },
  { forwarded: `for=127.0.0.1;host=${EVIL};proto=http` },
  { 'x-host': EVIL, 'x-original-host': EVIL, 'x-http-host-override': EVIL },
  { 'x-original-url': `http://${EVIL}/`, 'x-rewrite-url': `http://${EVIL}/` },
  { origin: `https://${EVIL}` },
  { referer: `https://${EVIL}/page` },
  { 'user-agent': `<a href="https://${EVIL}">`, 'accept-language': EVIL },
]

/**
 * Requests emails with these headers and checks the links. Two kinds of email are enough, because all links are built
 * in one place (api/mail/links).
 */
async function reachesNoEmail(t: Test, service: TestApp, base: string) {
  const { app, smtp } = service
  const rows = await openRows(t, service.databaseUrl)
  const { email: known } = await confirmedAccount(service)
  let asked = 0
  for (const headers of HOSTILE) {
    const name = JSON.stringify(headers)
    const fresh = `new-${++asked}@example.org`
    const before = smtp.mails.length
    const ask = async (url: string, payload: object) => {
      const response = await app.inject({ method: 'POST', url, payload, headers })
      t.equal(response.statusCode, 202, `${name}: ${url} is answered as ever`)
      t.notMatch(JSON.stringify(response.headers) + response.body, EVIL, `${name}: nothing is echoed`)
      await rows.settled()
    }
    await ask('/register', { email: fresh, password: 'correct horse battery staple' })
    await ask('/password-reset/request', { email: known })
    const mails = smtp.mails.slice(before)
    t.equal(mails.length, 2, `${name}: every mail came`)
    for (const mail of mails) {
      const all = mail.raw + mail.text + mail.html + JSON.stringify(mail.headers)
      // With its colon, because MIME boundaries contain random digits.
      t.notMatch(all, /evil|:6666/i, `${name}: ${mail.subject}`)
      const links = [mail.text, mail.html].flatMap(part => part.match(/[a-z]+:\/\/[^\s"<]+/gi) ?? [])
      t.ok(links.length >= 2, `${name}: a link in text and in HTML`)
      t.strictSame(
        links.filter(link => !link.startsWith(`${base}/app/`)),
        [],
        `${name}: all lead to the service`,
      )
    }
  }
}

t.test('no request header reaches a link or an email', async t => {
  await reachesNoEmail(t, await startApp(t), 'http://localhost:3000')
})

t.test('an invalid Host is refused and sends no email', async t => {
  const service = await startApp(t)
  const { email } = await confirmedAccount(service)
  const rows = await openRows(t, service.databaseUrl)
  await rows.settled()
  const mails = service.smtp.mails.length
  for (const host of [`app.example.org:443@${EVIL}`, `${EVIL}#`]) {
    for (const url of ['/register', '/confirm-email/resend', '/password-reset/request']) {
      const payload = { email, ...(url === '/register' && { password: 'correct horse battery staple' }) }
      const answer = await service.app.inject({ method: 'POST', url, payload, headers: { host } })
      isProblemOf(t, answer, 'bad_request', `${url} with ${host}`)
      t.notMatch(JSON.stringify(answer.headers) + answer.body, EVIL, 'nothing is echoed')
    }
  }
  t.equal(await rows.client.outbox.count({ where: { state: 'queued' } }), 0)
  t.equal(service.smtp.mails.length, mails)
})

t.test('nor behind a trusted proxy', async t => {
  const env = { TRUST_PROXY: '127.0.0.1', APP_URL: 'https://app.example.org' }
  await reachesNoEmail(t, await startApp(t, { env }), 'https://app.example.org')
})

t.test('an absolute request target does not reach a link', async t => {
  const { app, smtp } = await startApp(t, { env: { APP_URL: 'https://app.example.org' } })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  const body = JSON.stringify({ email: 'ada@example.org', password: 'correct horse battery staple' })
  socket.write(
    `POST http://${EVIL}/register HTTP/1.1\r\nHost: ${EVIL}\r\nX-Forwarded-Host: ${EVIL}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  )
  const [head] = await once(socket, 'data')
  t.match(String(head), /^HTTP\/1\.1 202 /)
  socket.destroy()
  const [mail] = await smtp.waitForMails(1)
  t.match(mail?.text, /^https:\/\/app\.example\.org\/app\/confirm-email#token=\S+$/m)
  t.notMatch(mail?.raw, EVIL)
})

t.test('APP_URL may have a path, with or without a trailing slash', async t => {
  for (const APP_URL of ['https://example.org/accounts/v2', 'https://example.org/accounts/v2/']) {
    const { app, smtp } = await startApp(t, { env: { APP_URL } })
    const payload = { email: 'ada@example.org', password: 'correct horse battery staple' }
    await app.inject({ method: 'POST', url: '/register', payload })
    const [mail] = await smtp.waitForMails(1)
    const link = /^https:\/\/example\.org\/accounts\/v2\/app\/confirm-email#token=[\w-]+\.[\w-]+\.[\w-]+$/m
    t.match(mail?.text, link, `${APP_URL}: the link is alone on its line`)
    t.match(mail?.html, 'href="https://example.org/accounts/v2/app/confirm-email#token=')
  }
})
