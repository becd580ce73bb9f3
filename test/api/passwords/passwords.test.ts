import t, { type Test } from 'tap'
import { startApp } from '../../harness/app.ts'
import { clientAt } from '../../harness/client.ts'
import { countHashes } from '../../harness/hash-count.ts'

const PASSWORD = 'correct horse battery staple'
const client = clientAt()

async function passwordsWith(t: Test, env: Record<string, string> = {}) {
  const { app } = await startApp(t, { env })
  return app.passwords
}

t.test('a hash is salted argon2id of the configured cost', async t => {
  const passwords = await passwordsWith(t, {
    ARGON2_MEMORY_KIB: '128',
    ARGON2_TIME_COST: '3',
    ARGON2_PARALLELISM: '2',
  })
  const [one, two] = [await passwords.hash(PASSWORD, client), await passwords.hash(PASSWORD, client)]
  t.match(one, /^\$argon2id\$v=19\$m=128,t=3,p=2\$[\w+/]{22}\$[\w+/]{43}$/)
  t.not(one, two)
  t.equal(await passwords.verify(one, PASSWORD, client), true)
  t.equal(await passwords.verify(two, PASSWORD, client), true)
  t.equal(await passwords.verify(one, `${PASSWORD} `, client), false)
  t.equal(await passwords.verify(one, PASSWORD.toUpperCase(), client), false)
})

t.test('passwords are equal in both Unicode normal forms, and lone surrogates match nothing', async t => {
  const passwords = await passwordsWith(t)
  const composed = await passwords.hash('p\u00e4ssw\u00f6rter', client)
  t.equal(await passwords.verify(composed, 'pa\u0308sswo\u0308rter', client), true)
  t.equal(await passwords.verify(composed, 'passworter', client), false)
  const replacement = await passwords.hash('password\ufffd', client)
  t.equal(await passwords.verify(replacement, 'password\ufffd', client), true)
  t.equal(await passwords.verify(replacement, 'password\ud800', client), false, 'which has the same UTF-8')
  const short = await passwords.hash('password', client)
  t.equal(await passwords.verify(short, 'password\0', client), false, 'NUL ends no password')
  const long = await passwords.hash('x'.repeat(128), client)
  t.equal(await passwords.verify(long, 'x'.repeat(127), client), false, 'nothing is cut')
  t.equal(await passwords.verify(long, 'x'.repeat(129), client), false)
})

const SALT_AND_HASH = `${'A'.repeat(22)}$${'B'.repeat(42)}A`

/** Values that only somebody with write access to the database could store. */
const HOSTILE: [what: string, stored: string][] = [
  ['4 GiB', `$argon2id$v=19$m=4194304,t=1,p=1$${SALT_AND_HASH}`],
  ['the most memory a number can say', `$argon2id$v=19$m=999999999,t=1,p=1$${SALT_AND_HASH}`],
  ['more digits than a number has', `$argon2id$v=19$m=${'9'.repeat(40)},t=1,p=1$${SALT_AND_HASH}`],
  ['a million passes', `$argon2id$v=19$m=64,t=1000000,p=1$${SALT_AND_HASH}`],
  ['17 passes', `$argon2id$v=19$m=64,t=17,p=1$${SALT_AND_HASH}`],
  ['a million lanes', `$argon2id$v=19$m=64,t=1,p=1000000$${SALT_AND_HASH}`],
  ['no memory', `$argon2id$v=19$m=0,t=1,p=1$${SALT_AND_HASH}`],
  ['too little memory for its lanes', `$argon2id$v=19$m=8,t=1,p=4$${SALT_AND_HASH}`],
  ['no pass', `$argon2id$v=19$m=64,t=0,p=1$${SALT_AND_HASH}`],
  ['no lane', `$argon2id$v=19$m=64,t=1,p=0$${SALT_AND_HASH}`],
  ['a negative cost', `$argon2id$v=19$m=-64,t=1,p=1$${SALT_AND_HASH}`],
  ['argon2i', `$argon2i$v=19$m=64,t=1,p=1$${SALT_AND_HASH}`],
  ['argon2d', `$argon2d$v=19$m=64,t=1,p=1$${SALT_AND_HASH}`],
  ['an old version', `$argon2id$v=16$m=64,t=1,p=1$${SALT_AND_HASH}`],
  ['a second parameter list', `$argon2id$v=19$m=64,t=1,p=1$m=4194304,t=1,p=1$${SALT_AND_HASH}`],
  ['bcrypt', '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy'],
  ['the password itself', PASSWORD],
  ['an empty hash', `$argon2id$v=19$m=64,t=1,p=1$${'A'.repeat(22)}$`],
  ['a hash of one byte', `$argon2id$v=19$m=64,t=1,p=1$${'A'.repeat(22)}$QQ`],
  ['a salt of megabytes', `$argon2id$v=19$m=64,t=1,p=1$${'A'.repeat(2 ** 20)}$${'B'.repeat(43)}`],
  ['a line behind it', `$argon2id$v=19$m=64,t=1,p=1$${SALT_AND_HASH}\n`],
  ['nothing', ''],
]

t.test('a stored value that is not a supported hash matches nothing, at the cost of one hash', async t => {
  const passwords = await passwordsWith(t)
  const hashes = countHashes(t)
  for (const [what, stored] of HOSTILE) {
    const before = hashes()
    t.equal(await passwords.verify(stored, PASSWORD, client), false, what)
    t.equal(hashes() - before, 1, `${what}: one hash`)
  }
  const before = hashes()
  t.equal(await passwords.verify(undefined, PASSWORD, client), false, 'no stored hash at all')
  t.equal(hashes() - before, 1)
})

t.test('verifying against the dummy hash costs as much as against a real one', async t => {
  // Processor time, which other load does not lengthen.
  const passwords = await passwordsWith(t, { ARGON2_MEMORY_KIB: '16384', ARGON2_TIME_COST: '4' })
  const stored = await passwords.hash(PASSWORD, client)
  const costOf = async (work: () => Promise<unknown>) => {
    const before = process.cpuUsage()
    for (let i = 0; i < 5; i++) await work()
    const { user, system } = process.cpuUsage(before)
    return user + system
  }
  const known = await costOf(() => passwords.verify(stored, 'a wrong password', client))
  const unknown = await costOf(() => passwords.verify(undefined, 'a wrong password', client))
  // A hash of the tests' usual cost would take a thousandth of that.
  t.ok(unknown > known / 5 && unknown < known * 5, 'about the same', { known, unknown })
})

t.test('a hash of less than the configured cost is outdated, one of more is not', async t => {
  const passwords = await passwordsWith(t, { ARGON2_MEMORY_KIB: '64', ARGON2_TIME_COST: '2' })
  const made = (m: number, time: number) => `$argon2id$v=19$m=${m},t=${time},p=1$${SALT_AND_HASH}`
  t.equal(passwords.isOutdated(made(64, 2)), false)
  t.equal(passwords.isOutdated(made(63, 2)), true)
  t.equal(passwords.isOutdated(made(64, 1)), true)
  t.equal(passwords.isOutdated(made(128, 3)), false)
  t.equal(passwords.isOutdated(await passwords.hash(PASSWORD, client)), false)
})
