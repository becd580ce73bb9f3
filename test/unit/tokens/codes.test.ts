import { createHash, createHmac, randomUUID } from 'node:crypto'
import t from 'tap'
import { codes } from '../../../src/tokens/codes.ts'
import { deriveKey } from '../../../src/tokens/keys.ts'

const SECRET = 'a signing secret of thirty-two bytes'
const OTHER = 'another secret of thirty-two bytes!!'
const parts = ['request', 'user', 'ada@example.org', '$argon2id$v=19$m=64,t=1,p=1$c2FsdA$aGFzaA']
const six = codes([SECRET], 'password-change', 6)
const eight = codes([SECRET], 'reset-request', 8)

t.test('a code has its number of digits, leading zeros included', async t => {
  let zeros = 0
  for (let i = 0; i < 500; i++) {
    const code = six.make(`request ${i}`)
    t.match(code, /^\d{6}$/)
    if (code.startsWith('0')) zeros++
    t.match(eight.make(`request ${i}`), /^\d{8}$/)
  }
  // One in ten; the inputs are fixed, so the result is deterministic.
  t.ok(zeros > 20 && zeros < 100, `${zeros} of 500 begin with zero`)
})

t.test('a code is a deterministic HMAC with a separate key', async t => {
  const mac = createHmac('sha256', deriveKey(SECRET, 'password-change', 'code')).update(JSON.stringify(parts))
  const expected = String(mac.digest().readBigUInt64BE() % 1_000_000n).padStart(6, '0')
  t.equal(six.make(...parts), expected)
  t.equal(six.make(...parts), six.make(...parts))
})

t.test('the code changes if a part changes or moves to the next one', async t => {
  const made = [
    eight.make(...parts),
    ...parts.map((part, i) => eight.make(...parts.with(i, `${part}.`))),
    eight.make(...parts.slice(1)),
    eight.make(parts.join('')),
    eight.make('requestuser', ...parts.slice(2)),
    eight.make('', ...parts),
    codes([SECRET], 'password-change', 8).make(...parts),
    codes([OTHER], 'reset-request', 8).make(...parts),
  ]
  t.equal(new Set(made).size, made.length)
})

t.test('only the exact code matches', async t => {
  const code = eight.make(...parts)
  t.ok(eight.matches(code, ...parts))
  const faults = [
    '',
    code.slice(1),
    `${code}0`,
    ` ${code}`,
    code.slice(0, 7),
    six.make(...parts),
    '٠'.repeat(8),
  ]
  for (const fault of faults) t.notOk(eight.matches(fault, ...parts), JSON.stringify(fault))
  for (let last = 0; last < 10; last++) {
    const near = code.slice(0, 7) + last
    t.equal(eight.matches(near, ...parts), near === code)
  }
  t.notOk(eight.matches(code, ...parts.with(0, 'another request')))
})

t.test('a code of the previous secret matches while that is configured', async t => {
  const [before, during, after] = [[OTHER], [SECRET, OTHER], [SECRET]].map(secrets =>
    codes(secrets as [string], 'reset-request', 8),
  ) as [typeof eight, typeof eight, typeof eight]
  const old = before.make(...parts)
  t.ok(during.matches(old, ...parts))
  t.notOk(after.matches(old, ...parts))
  t.equal(during.make(...parts), after.make(...parts), 'the current secret makes new codes')
  t.notOk(before.matches(during.make(...parts), ...parts))
})

t.test('the code is not an unkeyed hash of values in the database and the token', async t => {
  const digits = (digest: Buffer) => String(digest.readBigUInt64BE() % 10n ** 8n).padStart(8, '0')
  for (let i = 0; i < 50; i++) {
    const known = [randomUUID(), ...parts]
    const messages = [JSON.stringify(known), known.join(''), known[0] as string]
    const guessable = ['sha256', 'sha512', 'sha1', 'md5'].flatMap(hash =>
      messages.flatMap(message => [
        digits(createHash(hash).update(message).digest()),
        digits(createHmac(hash, '').update(message).digest()),
      ]),
    )
    t.notOk(guessable.includes(eight.make(...known)))
  }
})
