import type { NodemailerError } from 'nodemailer'
import t from 'tap'
import { smtpError } from '../../../src/mail/smtp-error.ts'

const mail = { to: 'ada@example.org', text: 'a mail' }

/** Errors of nodemailer: code, command, and the server's reply or its own message; and the resulting kind. */
const cases: [code: string, command: string, reply: string, outcome: 'dead' | 'alert' | 'retry'][] = [
  // Refusals of the mailbox or the message.
  ['EENVELOPE', 'RCPT TO', '550 5.1.1 No such user', 'dead'],
  ['EENVELOPE', 'RCPT TO', '550 No such user', 'dead'],
  ['EENVELOPE', 'RCPT TO', '551 5.1.6 Mailbox has moved', 'dead'],
  ['EENVELOPE', 'RCPT TO', '552 5.2.2 Mailbox full', 'dead'],
  ['EENVELOPE', 'RCPT TO', '553 5.1.3 Bad address', 'dead'],
  ['EENVELOPE', 'RCPT TO', '550 5.1.1 <relay@example.org>: No such user', 'dead'],
  ['EENVELOPE', 'RCPT TO', '550 Version 5.7.1 of our rules: no such user', 'dead'],
  ['EMESSAGE', 'DATA', '552 5.3.4 Message too big', 'dead'],
  ['EMESSAGE', 'DATA', '554 Transaction failed', 'dead'],
  // Refusals of this service.
  ['EENVELOPE', 'RCPT TO', '554 5.7.1 Access denied', 'alert'],
  ['EENVELOPE', 'RCPT TO', '550 5.7.1 Relaying denied', 'alert'],
  ['EENVELOPE', 'RCPT TO', '550-5.7.26 Unauthenticated mail\n550 5.7.26 see our pages', 'alert'],
  ['EENVELOPE', 'RCPT TO', '550 relay not permitted', 'alert'],
  ['EENVELOPE', 'RCPT TO', '550 Relaying denied', 'alert'],
  ['EENVELOPE', 'RCPT TO', "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", 'alert'],
  ['EENVELOPE', 'RCPT TO', '530 Must issue a STARTTLS command first', 'alert'],
  ['EENVELOPE', 'RCPT TO', '530 5.7.0 Authentication required', 'alert'],
  ['EENVELOPE', 'RCPT TO', '535 5.7.8 Credentials invalid', 'alert'],
  ['EMESSAGE', 'DATA', '554 5.7.1 Message rejected by policy', 'alert'],
  ['EENVELOPE', 'MAIL FROM', '553 5.1.8 Sender has no domain', 'alert'],
  ['EENVELOPE', 'MAIL FROM', '530 5.7.57 Client not authenticated', 'alert'],
  ['EAUTH', 'AUTH PLAIN', '535 5.7.8 Credentials invalid', 'alert'],
  ['EAUTH', 'AUTH PLAIN', '454 4.7.0 Temporary authentication failure', 'alert'],
  ['EAUTH', 'API', 'Missing credentials for "PLAIN"', 'alert'],
  ['ETLS', 'STARTTLS', '454 4.7.0 TLS not available', 'alert'],
  ['ESOCKET', 'CONN', 'self-signed certificate', 'alert'],
  ['ESOCKET', 'CONN', "Hostname/IP does not match certificate's altnames", 'alert'],
  ['EPROTOCOL', 'CONN', '554 5.7.1 Your address is listed', 'alert'],
  // Transient failures.
  ['EENVELOPE', 'RCPT TO', '450 4.2.0 Greylisted', 'retry'],
  ['EENVELOPE', 'RCPT TO', '451 4.7.1 Try again later', 'retry'],
  ['EMESSAGE', 'DATA', '451 4.3.0 Try again later', 'retry'],
  ['ECONNECTION', 'CONN', 'connect ECONNREFUSED 127.0.0.1:25', 'retry'],
  ['ETIMEDOUT', 'CONN', 'Timeout', 'retry'],
  ['EDNS', 'CONN', 'getaddrinfo ENOTFOUND smtp.example.org', 'retry'],
]

t.test('only a refusal of the mailbox or the message is permanent', async t => {
  for (const [code, command, reply, outcome] of cases) {
    const responseCode = /^[245]\d\d(?=[ -])/.exec(reply)?.[0]
    const error = Object.assign(new Error(reply), {
      ...{ code, command },
      ...(responseCode !== undefined && { response: reply, responseCode: Number(responseCode) }),
      permanent: responseCode?.startsWith('5') ?? false,
    }) as NodemailerError
    const { permanent, refusesService } = smtpError(error, mail)
    t.strictSame(
      { permanent, refusesService },
      { permanent: outcome === 'dead', refusesService: outcome === 'alert' },
      `${command}: ${reply}`,
    )
  }
})

const failure = (code: string, command: string, reply: string) => {
  const responseCode = /^[245]\d\d(?=[ -])/.exec(reply)?.[0]
  const answer = responseCode && { response: reply, responseCode: Number(responseCode) }
  return Object.assign(new Error(reply), { code, command, ...answer }) as NodemailerError
}

t.test('distinguishes an unreachable server from a refusal', async t => {
  const away: [code: string, command: string, reply: string][] = [
    ['ECONNECTION', 'CONN', 'connect ECONNREFUSED 127.0.0.1:25'],
    ['ETIMEDOUT', 'CONN', 'Greeting never received'],
    ['EDNS', 'CONN', 'getaddrinfo ENOTFOUND smtp.example.org'],
    ['EABORT', 'API', 'aborted'],
    ['EPROTOCOL', 'CONN', '450 4.3.2 Not now'],
    ['EENVELOPE', 'RCPT TO', '421 4.3.2 Shutting down'],
  ]
  const there: typeof away = [
    ['EENVELOPE', 'RCPT TO', '450 4.2.0 Greylisted'],
    ['EENVELOPE', 'RCPT TO', '550 5.1.1 No such user'],
    ['EENVELOPE', 'API', 'No recipients defined'],
    ['EAUTH', 'AUTH PLAIN', '535 5.7.8 Credentials invalid'],
    ['ESOCKET', 'CONN', 'self-signed certificate'],
  ]
  const isAway = (one: (typeof away)[number]) => smtpError(failure(...one), mail).unreachable
  t.strictSame(
    away.filter(one => !isAway(one)),
    [],
  )
  t.strictSame(there.filter(isAway), [])
})

t.test('the reason never contains the recipient, however a server quotes it', async t => {
  const to = 'ada.lovelace@example.org'
  const quotes = [
    `550 5.1.1 <${to}>: Recipient address rejected`,
    `550 ${to.toUpperCase()}... User unknown`,
    `550 "${to}" is not here`,
    `550 to=${to}; dsn=5.1.1`,
    '550 User ada.lovelace unknown in virtual table',
    '550 no such user: Ada.Lovelace',
    '450 bounces+ada.lovelace=example.org@relay.example.net is greylisted',
    '450 ada.lovelace=example.org is greylisted',
    `550 (${to})`,
    '550 see spf.example/why?id=ada.lovelace%40example.org',
    '550 write to <postmaster@example.net> about it',
  ]
  for (const quote of quotes) {
    const { message } = smtpError(failure('EENVELOPE', 'RCPT TO', quote), { to, text: 'a mail' })
    t.notMatch(message, /lovelace|@/i, quote)
    t.match(message, /^SMTP EENVELOPE at RCPT TO: [45]50 .*\[address\]/, 'and keeps its code')
  }
})
