/**
 * The SMTP server, or a man in the middle, has no valid certificate, or strips STARTTLS. If TLS is required, neither
 * emails nor credentials leave in clear or to another server; emails wait and arrive once when the server is valid
 * again.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { selfSignedCertificate } from '../../harness/certificates/self-signed.ts'
import { emptyFolder } from '../../harness/process.ts'
import { CREDENTIALS, leaksNothing, startSmtpService, waitsForRetry } from './smtp-service.ts'

t.jobs = 2

const good = selfSignedCertificate()
const wrongName = selfSignedCertificate({ name: 'mail.example.org' })
const expired = selfSignedCertificate({ days: -1 })
/** Issued by no authority that the service trusts. */
const stranger = selfSignedCertificate()

/** Must not be sent in clear. */
const CONTENT = /AUTH|MAIL FROM|RCPT TO|\bDATA\b|Subject:|#token|example\.org|mailer-of-latchkey/i

for (const tls of ['starttls', 'implicit'] as const) {
  const demanded = tls === 'starttls' ? 'MAIL_USE_TLS' : 'MAIL_USE_SSL'
  t.test(
    `with ${demanded} an SMTP server without a valid certificate gets neither email nor credentials`,
    async t => {
      const trusted = join(emptyFolder(t), 'trusted.pem')
      writeFileSync(trusted, [good, wrongName, expired].map(({ cert }) => cert).join(''))
      const office = await startSmtpService(
        t,
        { tls, certificate: good, auth: CREDENTIALS },
        {
          [demanded]: 'true',
          MAIL_USERNAME: CREDENTIALS.user,
          MAIL_PASSWORD: CREDENTIALS.pass,
          NODE_EXTRA_CA_CERTS: trusted,
        },
      )
      const { options, smtp } = office
      const faults = [
        { name: 'self-signed', says: /self.signed/i, how: { certificate: stranger } },
        { name: 'wrong-name', says: /altname|does not match/i, how: { certificate: wrongName } },
        { name: 'expired', says: /expired/i, how: { certificate: expired } },
        // With implicit TLS, the response of a server without TLS is not a TLS record.
        { name: 'stripped', says: /TLS|SSL|wrong version/i, how: { tls: 'none' as const } },
      ]
      for (const { name, says, how } of faults) {
        const email = `${name}@example.org`
        await smtp.stop()
        Object.assign(options, how)
        await smtp.start()
        const logIns = smtp.logins.length
        const mails = smtp.mails.length
        const asked = Date.now()
        await office.registers(t, email)
        const row = await office.settled(email)
        t.equal(row.state, 'queued', `${name}: it is not given up, somebody will mend the server`)
        t.match(row.lastError, says)
        waitsForRetry(t, row, asked)
        t.equal(smtp.logins.length, logIns, `${name}: no credentials were shown`)
        t.equal(smtp.mails.length, mails, `${name}: no mail was shown`)

        await smtp.stop()
        Object.assign(options, { tls, certificate: good })
        await smtp.start()
        await office.makeRetriesDue()
        t.equal((await office.settled(email)).state, 'sent', `${name}: it comes to the server itself`)
        t.equal(smtp.mails.filter(({ to }) => to.includes(email)).length, 1, 'once')
      }
      t.ok(smtp.logins.length > 0 && smtp.logins.every(({ secure }) => secure), 'every login used TLS')
      t.notMatch(office.eavesdropped(), CONTENT, 'nothing was sent in clear')
      // A TLS handshake record, or the one word that precedes it.
      const first = tls === 'starttls' ? 'EHLO ' : String.fromCharCode(22, 3)
      t.ok(office.eavesdropped().startsWith(first), 'and all was heard')
      leaksNothing(t, office)
    },
  )
}
