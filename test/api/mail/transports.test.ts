import { createServer } from 'node:net'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import type { MailSendError } from '../../../src/mail/transport.ts'
import { createMailTransport, type MailTransportOptions } from '../../../src/mail/transports.ts'
import { type SmtpServer, startSmtpServer } from '../../harness/smtp.ts'

const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIwMTkifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg'
const link = `https://app.example.org/reset#token=${token}`
const mail = {
  to: 'ada@example.org',
  subject: 'Reset your password – latchkey',
  text: `Hello,\n\n${link}\n\nGrüße\n`,
  html: `<p lang="en"><a href="${link}">Grüße</a></p>`,
}
const auth = { user: 'mailer', pass: 'correct horse battery' }
const smtpDefaults = {
  MAIL_BACKEND: 'smtp' as const,
  MAIL_SERVER: '127.0.0.1',
  MAIL_PORT: 25,
  MAIL_USE_TLS: false,
  MAIL_USE_SSL: false,
  MAIL_DEFAULT_SENDER: 'latchkey <no-reply@example.org>',
}
const withAuth = { MAIL_USERNAME: auth.user, MAIL_PASSWORD: auth.pass }

/** A transport to `server`, closed when the test ends. */
function transportTo(
  t: { teardown(handler: () => void): void },
  server: { port: number },
  config: { [name: string]: unknown } = {},
  options: MailTransportOptions = {},
) {
  const transport = createMailTransport({ ...smtpDefaults, MAIL_PORT: server.port, ...config }, options)
  t.teardown(() => transport.close())
  return transport
}

/** The error of a send that must fail. Asserts that it contains nothing of the email or the password. */
async function failure(t: Test, sending: Promise<void>): Promise<MailSendError> {
  const error = await sending.then(
    () => t.fail('the mail was taken'),
    (error: MailSendError) => error,
  )
  if (!(error instanceof Error)) throw new Error('the mail was taken')
  const everything = JSON.stringify([error.message, error.stack, error.cause, Object.entries(error)])
  for (const secret of [
    auth.pass,
    Buffer.from(auth.pass).toString('base64'),
    token,
    ...token.split('.'),
    'Grüße',
  ]) {
    t.notOk(everything.includes(secret), `tells nothing: ${secret}`)
  }
  t.type(error.permanent, 'boolean')
  t.notMatch(error.message, /\p{Cc}/u)
  return error
}

function receivedNothing(t: Test, server: SmtpServer): void {
  t.same(server.mails, [], 'no mail was taken')
  t.same(server.logins, [], 'no credentials were sent')
}

t.test('SMTP with STARTTLS and authentication delivers text and HTML to one recipient', async t => {
  const server = await startSmtpServer(t, { tls: 'starttls', auth })
  const transport = transportTo(t, server, { MAIL_USE_TLS: true, ...withAuth }, { tls: { ca: server.ca } })
  await transport.send(mail)

  const [received, ...others] = await server.waitForMails(1)
  t.same(others, [])
  t.same(server.logins, [{ username: auth.user, password: auth.pass, secure: true }])
  t.match(received, { to: ['ada@example.org'], from: 'no-reply@example.org', subject: mail.subject })
  t.equal(received?.text.trim(), mail.text.trim())
  t.equal(received?.html.trim(), mail.html)
  t.match(received?.headers, {
    from: 'latchkey <no-reply@example.org>',
    to: 'ada@example.org',
    'auto-submitted': 'auto-generated',
    'message-id': /^<[\w-]+@example\.org>$/,
  })
  t.notMatch(received?.raw, /^X-Mailer|nodemailer/im)
})

t.test('SMTP with TLS from the first byte delivers', async t => {
  const server = await startSmtpServer(t, { tls: 'implicit', auth })
  const transport = transportTo(t, server, { MAIL_USE_SSL: true, ...withAuth }, { tls: { ca: server.ca } })
  await transport.send(mail)
  t.equal((await server.waitForMails(1)).length, 1)
  t.same(server.logins, [{ username: auth.user, password: auth.pass, secure: true }])
})

t.test('the certificate must match the host name', async t => {
  const server = await startSmtpServer(t, { tls: 'starttls' })
  const transport = transportTo(
    t,
    server,
    { MAIL_USE_TLS: true, MAIL_SERVER: 'localhost' },
    { tls: { ca: server.ca } },
  )
  await transport.send(mail)
  t.equal(server.mails.length, 1)
})

for (const [tls, flag] of [
  ['starttls', 'MAIL_USE_TLS'],
  ['implicit', 'MAIL_USE_SSL'],
] as const) {
  t.test(`an untrusted certificate is refused (${tls})`, async t => {
    const server = await startSmtpServer(t, { tls, auth })
    const error = await failure(t, transportTo(t, server, { [flag]: true, ...withAuth }).send(mail))
    t.match(error, { permanent: false, message: /self-signed certificate/ })
    receivedNothing(t, server)
  })

  t.test(`NODE_TLS_REJECT_UNAUTHORIZED does not change that (${tls})`, async t => {
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    t.teardown(() => {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
    })
    const server = await startSmtpServer(t, { tls, auth })
    await failure(t, transportTo(t, server, { [flag]: true, ...withAuth }).send(mail))
    receivedNothing(t, server)
  })
}

t.test('MAIL_USE_TLS sends neither credentials nor email to a server without STARTTLS', async t => {
  const server = await startSmtpServer(t, { tls: 'none', auth })
  const transport = transportTo(t, server, { MAIL_USE_TLS: true, ...withAuth })
  t.match(await failure(t, transport.send(mail)), { permanent: false, code: 'ETLS' })
  receivedNothing(t, server)
})

t.test('a STARTTLS-stripping attacker sees EHLO and STARTTLS only', async t => {
  let seen = ''
  const stripper = createServer(socket => {
    socket.on('error', () => {})
    socket.write('220 mail.example.org\r\n')
    socket.on('data', chunk => {
      seen += chunk
      const command = chunk.toString()
      if (/^EHLO/i.test(command)) socket.write('250-mail.example.org\r\n250 AUTH PLAIN LOGIN\r\n')
      else if (/^STARTTLS/i.test(command)) socket.write('502 5.5.1 no such command\r\n')
      else socket.write('250 go on\r\n')
    })
  })
  await new Promise<void>(resolve => stripper.listen(0, '127.0.0.1', resolve))
  t.teardown(() => stripper.close())
  const { port } = stripper.address() as { port: number }
  await failure(t, transportTo(t, { port }, { MAIL_USE_TLS: true, ...withAuth }).send(mail))
  t.match(seen, /^EHLO \S+\r\nSTARTTLS\r\n(QUIT\r\n)?$/)
})

t.test('without either option a local relay is used in clear, whatever its certificate', async t => {
  const server = await startSmtpServer(t, { tls: 'starttls' })
  const transport = transportTo(t, server)
  await transport.send(mail)
  t.equal(server.mails.length, 1)
  t.match(transport.describe(), 'no TLS')
})

t.test('a wrong SMTP password is transient and is not repeated in the error', async t => {
  const server = await startSmtpServer(t, { tls: 'starttls', auth: { ...auth, pass: 'another' } })
  const transport = transportTo(t, server, { MAIL_USE_TLS: true, ...withAuth }, { tls: { ca: server.ca } })
  t.match(await failure(t, transport.send(mail)), { permanent: false, code: 'EAUTH', responseCode: 535 })
  t.same(server.mails, [])
})

for (const [command, code, permanent] of [
  ['RCPT', 550, true],
  ['RCPT', 450, false],
  ['RCPT', 530, false],
  ['DATA', 554, true],
  ['DATA', 451, false],
  ['MAIL', 550, false],
] as const) {
  const kind = permanent ? 'permanent' : 'transient'
  t.test(`${code} to ${command} is ${kind}, and the next mail goes through`, async t => {
    let refusing = true
    const server = await startSmtpServer(t, {
      respond: asked => (refusing && asked === command ? { code, text: 'not today' } : undefined),
    })
    const transport = transportTo(t, server)
    const error = await failure(t, transport.send(mail))
    t.match(error, { permanent, responseCode: code, message: /not today/ })
    t.same(server.mails, [])
    refusing = false
    await transport.send(mail)
    t.equal(server.mails.length, 1)
  })
}

t.test('errors contain neither quotes of the email nor long replies', async t => {
  const server = await startSmtpServer(t, {
    respond: command =>
      command === 'DATA'
        ? {
            code: 554,
            text: `5.7.1 <ada@example.org> blocked: ${link} and ${token.slice(0, 40)} by ${auth.pass} ${'blah '.repeat(200)}`,
          }
        : undefined,
  })
  const error = await failure(t, transportTo(t, server, withAuth).send(mail))
  t.match(
    error.message,
    /^SMTP EMESSAGE at DATA: 554 5\.7\.1 <\[address\]> blocked: \[removed\] and \[removed\]/,
  )
  t.ok(error.message.length < 240, `${error.message.length} characters`)
  t.notMatch(error.message, 'correct horse')
})

for (const [hang, timeouts] of [
  ['greeting', { greeting: 150 }],
  ['data', { socket: 150 }],
  ['data', { mail: 150 }],
] as const) {
  t.test(`a server that hangs (${hang}) times out after ${JSON.stringify(timeouts)}`, async t => {
    const server = await startSmtpServer(t, { hang })
    const begun = Date.now()
    const error = await failure(t, transportTo(t, server, {}, { timeouts }).send(mail))
    const took = Date.now() - begun
    t.match(error, { permanent: false, code: 'mail' in timeouts ? 'EABORT' : 'ETIMEDOUT' })
    t.ok(took >= 140 && took < 5000, `${took} ms`)
    t.equal(server.connections(), 1, 'and not retried by the library')
  })
}

t.test('an outage of the mail server is transient, and the transport recovers', async t => {
  const server = await startSmtpServer(t)
  const transport = transportTo(t, server)
  await transport.send(mail)
  await server.stop()
  t.match(await failure(t, transport.send(mail)), { permanent: false, message: /ECONNREFUSED/ })
  await server.start()
  await transport.send({ ...mail, subject: 'again' })
  t.same(
    server.mails.map(({ subject }) => subject),
    [mail.subject, 'again'],
  )
})

t.test('a pooled connection is reused', async t => {
  const server = await startSmtpServer(t)
  const transport = transportTo(t, server)
  for (let sent = 0; sent < 5; sent++) await transport.send(mail)
  t.equal(server.mails.length, 5)
  t.equal(server.connections(), 1)
})

t.test('sends nothing to a recipient that is not one plain address', async t => {
  const server = await startSmtpServer(t)
  const transport = transportTo(t, server)
  for (const to of [
    'a@b.co, evil@x.co',
    'a@b.co;evil@x.co',
    'a@b.co evil@x.co',
    'a@b.co\r\nRCPT TO:<evil@x.co>',
    'a@b.co\nBcc: evil@x.co',
    'Ada <evil@x.co>',
    '<evil@x.co>',
    '"a@b.co, "@x.co',
    'a@b.co@x.co',
    'a@[127.0.0.1]',
    'group:evil@x.co;',
    'a(b@b.co)@x.co',
    'a@b.co\0',
    'nobody',
    '@x.co',
    '',
  ]) {
    const error = await failure(t, transport.send({ ...mail, to }))
    t.match(error, { permanent: true }, JSON.stringify(to))
  }
  t.same(server.mails, [])
  t.equal(server.connections(), 0, 'no connection was opened')
})

t.test('delivers to unusual but plain addresses', async t => {
  const server = await startSmtpServer(t)
  const transport = transportTo(t, server)
  for (const to of ["o'brien+a/b=c_d@mail.example.org", '_@a-b.example.org', 'x@xn--bcher-kva.example']) {
    await transport.send({ ...mail, to })
    const received = server.mails.at(-1)
    t.equal(received?.headers['to'], to)
    // The server shows domains decoded.
    t.same(received?.to, [to.replace('xn--bcher-kva', 'bücher')])
  }
  t.equal(server.mails.length, 3)
})

t.test('line breaks in a subject do not inject headers', async t => {
  const server = await startSmtpServer(t)
  await transportTo(t, server).send({ ...mail, subject: 'Hello\r\nBcc: evil@x.co\r\n\r\nbody' })
  t.match(server.mails, [{ to: ['ada@example.org'], subject: /^Hello/ }])
  t.notOk(server.mails[0]?.headers['bcc'])
  t.equal(server.mails[0]?.text.trim(), mail.text.trim())
})

t.test('EHLO names the service, and replies and bounces go where the configuration says', async t => {
  const cases: [Record<string, string>, string][] = [
    [{ APP_URL: 'https://accounts.example.org/app' }, 'accounts.example.org'],
    [{ APP_URL: 'http://127.0.0.1:3000' }, '[127.0.0.1]'],
    [{ APP_URL: 'http://[::1]:3000' }, '[ipv6:::1]'],
    [{ APP_URL: 'https://accounts.example.org', MAIL_EHLO_NAME: 'mail.example.org' }, 'mail.example.org'],
  ]
  const server = await startSmtpServer(t)
  for (const [config] of cases) await transportTo(t, server, config).send(mail)
  t.strictSame(
    server.mails.map(({ ehlo }) => ehlo.toLowerCase()),
    cases.map(([, name]) => name),
  )
  t.strictSame(server.mails[0]?.headers['reply-to'], undefined)
  t.equal(server.mails[0]?.from, 'no-reply@example.org')

  const config = { MAIL_REPLY_TO: 'Help <help@example.org>', MAIL_ENVELOPE_SENDER: 'bounces@example.net' }
  await transportTo(t, server, config).send(mail)
  const [sent] = server.mails.slice(-1)
  t.match(sent, { to: ['ada@example.org'], from: 'bounces@example.net' })
  t.match(sent?.headers, {
    'reply-to': /help@example\.org/,
    from: /no-reply@example\.org/,
    to: 'ada@example.org',
  })
  await failure(t, transportTo(t, server, config).send({ ...mail, to: 'a@b.co, evil@x.co' }))
})

t.test('a private CA of the mail server comes from a file', async t => {
  const server = await startSmtpServer(t, { tls: 'starttls' })
  const folder = t.testdir({ 'ca.pem': server.ca })
  const trusting = { MAIL_USE_TLS: true, MAIL_CA_FILE: `${folder}/ca.pem` }
  await transportTo(t, server, trusting).send(mail)
  t.equal(server.mails.length, 1)
  await t.rejects(transportTo(t, server, { MAIL_USE_TLS: true }).send(mail), /certificate/)
  const missing = { ...smtpDefaults, MAIL_CA_FILE: `${folder}/nowhere.pem` }
  t.throws(() => createMailTransport(missing), /^MAIL_CA_FILE cannot be read \(ENOENT\)$/m)
})

t.test('an invalid sender fails the start', async t => {
  for (const MAIL_DEFAULT_SENDER of [
    '',
    'latchkey',
    'a@b.co, c@d.co',

    'team: a@b.co, c@d.co;',
  ]) {
    t.throws(
      () => createMailTransport({ ...smtpDefaults, MAIL_DEFAULT_SENDER }),
      /MAIL_DEFAULT_SENDER must be one address/,
      MAIL_DEFAULT_SENDER,
    )
  }
  t.doesNotThrow(() =>
    createMailTransport({ ...smtpDefaults, MAIL_DEFAULT_SENDER: 'no-reply@example.org' }).close(),
  )
})

t.test('the banner names the mail server without credentials', async t => {
  const smtp = createMailTransport({ ...smtpDefaults, ...withAuth, MAIL_USE_TLS: true, MAIL_PORT: 587 })
  t.equal(smtp.name, 'smtp')
  t.equal(smtp.describe(), 'SMTP 127.0.0.1:587 (STARTTLS), from no-reply@example.org')
  t.notMatch(smtp.describe(), new RegExp(`${auth.user}|${auth.pass}`))
  smtp.close()
  const onConsole = createMailTransport({ ...smtpDefaults, MAIL_BACKEND: 'console' })
  t.equal(onConsole.name, 'console')
  t.match(onConsole.describe(), 'console')
})

t.test('the console prints a readable email with the link on its own line', async t => {
  const output = new PassThrough({ encoding: 'utf8' })
  const transport = createMailTransport({ ...smtpDefaults, MAIL_BACKEND: 'console' }, { output })
  await transport.send({ ...mail, text: `${mail.text}\x1b[2J\x9b31m\rred` })
  const printed: string = output.read()
  const lines = printed.split('\n')
  t.ok(lines.includes('To:      ada@example.org'))
  t.ok(lines.includes(`Subject: ${mail.subject}`))
  t.ok(lines.includes(link), 'the link, and nothing else on its line')
  t.equal(printed.split(link).length - 1, 1)
  t.notMatch(printed, /<p|<a|\{|"/, 'no HTML, no JSON')
  t.notMatch(printed, /[^\P{Cc}\n]/u, 'no control character reaches the terminal')
  transport.close()
})

t.test('a closed console fails the send without a crash', async t => {
  const output = new PassThrough()
  output.on('error', () => {})
  output.destroy()
  const transport = createMailTransport({ ...smtpDefaults, MAIL_BACKEND: 'console' }, { output })
  t.match(await failure(t, transport.send(mail)), { permanent: false, message: 'The console is closed' })
})

t.test('the threaded transport sends, classifies refusals and simulates sending', async t => {
  let refusing = false
  const server = await startSmtpServer(t, {
    respond: asked => (refusing && asked === 'RCPT' ? { code: 554, text: '5.7.1 Access denied' } : undefined),
  })
  const transport = transportTo(t, server, {}, { thread: true })
  await transport.send(mail)
  await transport.pretend?.(mail)
  t.match(server.mails, { length: 1, 0: { to: [mail.to], subject: mail.subject } })
  refusing = true
  t.match(await failure(t, transport.send(mail)), {
    ...{ permanent: false, untaken: true, refusesService: true, responseCode: 554 },
    message: /5\.7\.1/,
  })
  refusing = false
  await Promise.all([transport.send(mail), transport.pretend?.(mail), transport.send(mail)])
  t.equal(server.mails.length, 3)
  await transport.probe?.()
  await server.stop()
  const down = { permanent: false, untaken: true, unreachable: true, message: /ECONNREFUSED/ }
  t.match(await failure(t, transport.probe?.() as Promise<void>), down)
})
