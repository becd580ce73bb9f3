import { createHmac } from 'node:crypto'
import t from 'tap'
import { equalInConstantTime } from '../../../src/shared/constant-time.ts'
import { fingerprint } from '../../../src/tokens/fingerprint.ts'
import { deriveKey } from '../../../src/tokens/keys.ts'

const key = deriveKey('a signing secret of thirty-two bytes', 'reset', 'fingerprint')
const subject = {
  id: 'id',
  email: 'ada@example.org',
  passwordHash: '$argon2id$v=19$m=64,t=1,p=1$c2FsdA$aGFzaA',
}

t.test('a fingerprint is HMAC-SHA-256 truncated to 128 bits', async t => {
  const message = JSON.stringify(['reset', subject.id, subject.email, subject.passwordHash, 'never changed'])
  const whole = createHmac('sha256', key).update(message).digest('hex')
  const made = fingerprint(key, 'reset', subject)
  t.equal(Buffer.from(made, 'base64url').toString('hex'), whole.slice(0, 32))
  t.equal(made.length, 22)
})

t.test('a change of any input changes the fingerprint', async t => {
  const prints = [
    fingerprint(key, 'reset', subject),
    fingerprint(key, 'confirm', subject),
    fingerprint(deriveKey('another secret of thirty-two bytes!', 'reset', 'fingerprint'), 'reset', subject),
    fingerprint(key, 'reset', { ...subject, id: 'ie' }),
    fingerprint(key, 'reset', { ...subject, email: 'ada@example.com' }),
    fingerprint(key, 'reset', { ...subject, passwordHash: `${subject.passwordHash}=` }),
    fingerprint(key, 'reset', { ...subject, emailChangedAt: new Date(0) }),
    fingerprint(key, 'reset', { ...subject, emailChangedAt: new Date(1) }),
    fingerprint(key, 'reset', { ...subject, disabledCount: 1 }),
    fingerprint(key, 'reset', { ...subject, disabledCount: 2 }),
  ]
  t.equal(new Set(prints).size, prints.length)
  const same = { ...subject, emailChangedAt: null, disabledCount: 0 }
  t.equal(fingerprint(key, 'reset', same), prints[0], 'and nothing else does')
})

t.test('moving bytes from one field to the next changes it', async t => {
  const apart = (id: string, email: string, passwordHash: string) =>
    fingerprint(key, 'reset', { id, email, passwordHash })
  const prints = [
    apart('ab', 'c', 'd'),
    apart('a', 'bc', 'd'),
    apart('a', 'b', 'cd'),
    apart('a","b', 'c', 'd'),
  ]
  t.equal(new Set(prints).size, prints.length)
})

t.test('only equal fingerprints match', async t => {
  const made = fingerprint(key, 'reset', subject)
  t.ok(equalInConstantTime(made, `${made}`))
  for (const other of [
    '',
    made.slice(0, -1),
    `${made}A`,
    `A${made.slice(1)}_`,
    made.toLowerCase(),
    'é'.repeat(11),
  ]) {
    t.notOk(equalInConstantTime(made, other))
  }
})
