import fc from 'fast-check'
import t from 'tap'
import { type Argon2, loadArgon2 } from '../../../src/passwords/argon2.ts'
import { isAffordable } from '../../../src/passwords/stored-hash.ts'
import { confirmedAccount, post, startApp } from '../../harness/app.ts'
import { clientAt } from '../../harness/client.ts'
import { countHashes } from '../../harness/hash-count.ts'
import { until } from '../../harness/until.ts'

const absent = () => Promise.reject(new Error("Cannot find package '@node-rs/argon2'"))
const fast = await loadArgon2()
const portable = await loadArgon2(absent)
const COST = { memory: 128, time: 3, parallelism: 2 }
const PASSWORDS = [
  'correct horse battery staple',
  'pässwörter',
  '密码🔑',
  'a',
  'x'.repeat(1024),
  'NUL\0inside',
]

t.test('uses the faster library if it loads, and the other one otherwise', async t => {
  t.equal(fast.name, '@node-rs/argon2', 'the tests run where it has a binary')
  t.equal(portable.name, 'argon2')
  const broken = () => Promise.reject(new Error('libgcc_s.so.1: cannot open shared object file'))
  t.equal((await loadArgon2(broken)).name, 'argon2', 'a binary that does not load is not used')
})

t.test('each library verifies the hashes of the other, and no wrong password', async t => {
  const pairs: [Argon2, Argon2][] = [
    [fast, portable],
    [portable, fast],
    [fast, fast],
    [portable, portable],
  ]
  for (const [one, other] of pairs) {
    const what = `${one.name} to ${other.name}`
    for (const password of PASSWORDS) {
      const stored = await one.hash(password, COST)
      t.match(stored, /^\$argon2id\$v=19\$m=128,t=3,p=2\$[A-Za-z\d+/]{22}\$[A-Za-z\d+/]{43}$/, what)
      t.ok(isAffordable(stored), 'and what is checked of a stored hash holds for it')
      t.equal(await other.verify(stored, password), true, what)
      t.equal(await other.verify(stored, `${password} `), false, what)
    }
    t.not(await one.hash('a', COST), await one.hash('a', COST), 'salted')
  }
})

t.test('both libraries agree on every stored value, and neither throws for an accepted one', async t => {
  const count = (max: number) =>
    fc.oneof(
      { weight: 12, arbitrary: fc.integer({ min: 0, max }).map(String) },
      { weight: 1, arbitrary: fc.constantFrom('07', '-1', '', '1e3') },
    )
  const bytes = (minLength: number, maxLength: number) =>
    fc
      .tuple(
        fc.uint8Array({ minLength, maxLength }),
        fc.oneof(
          { weight: 12, arbitrary: fc.constant('') },
          { weight: 1, arbitrary: fc.constantFrom('A', '=', '\n', '$', '_') },
        ),
      )
      .map(([value, more]) => Buffer.from(value).toString('base64').replace(/=+$/, '') + more)
  const phc = fc
    .record({
      kind: fc.constantFrom('argon2id', 'argon2id', 'argon2id', 'argon2i', 'ARGON2ID'),
      memory: count(300),
      time: count(18),
      lanes: count(6),
      salt: bytes(6, 66),
      hash: bytes(10, 66),
    })
    .map(
      ({ kind, memory, time, lanes, salt, hash }) =>
        `$${kind}$v=19$m=${memory},t=${time},p=${lanes}$${salt}$${hash}`,
    )
  let affordable = 0
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        phc,
        fc.string(),
        phc.map(text => text.slice(1)),
      ),
      async stored => {
        if (!isAffordable(stored)) return
        affordable++
        for (const library of [fast, portable]) {
          if (await library.verify(stored, 'a password')) throw new Error(`${library.name} took it for right`)
        }
      },
    ),
    { numRuns: 1000 },
  )
  t.ok(affordable > 20, 'some were let through', { affordable })
})

t.test('lengths and bits that only one library accepts reach neither', async t => {
  const salt = 'A'.repeat(22)
  const hash = `${'B'.repeat(42)}A`
  const phc = (parts: { cost?: string; salt?: string; hash?: string }) =>
    `$argon2id$v=19$${parts.cost ?? 'm=64,t=1,p=1'}$${parts.salt ?? salt}$${parts.hash ?? hash}`
  const cases: [string, string, boolean][] = [
    ['as we write it', phc({}), true],
    ['the least salt and hash', phc({ salt: 'A'.repeat(11), hash: 'A'.repeat(16) }), true],
    ['the most', phc({ salt: 'A'.repeat(86), hash: 'A'.repeat(86) }), true],
    ['a salt of 7 bytes', phc({ salt: 'A'.repeat(10) }), false],
    ['bits in the salt that say nothing', phc({ salt: `${'A'.repeat(21)}B` }), false],
    ['bits in the hash that say nothing', phc({ hash: 'B'.repeat(43) }), false],
    ['a salt of no whole number of bytes', phc({ salt: 'A'.repeat(13) }), false],
    ['a salt in the alphabet of URLs', phc({ salt: `_${'A'.repeat(21)}` }), false],
    ['a leading zero', phc({ cost: 'm=064,t=1,p=1' }), false],
    ['a hash of 11 bytes', phc({ hash: 'A'.repeat(15) }), false],
  ]
  for (const [what, stored, expected] of cases) {
    t.equal(isAffordable(stored), expected, what)
    if (!expected) continue
    for (const library of [fast, portable]) t.equal(await library.verify(stored, 'x'), false, what)
  }
})

for (const [what, loadFast] of [
  ['present', undefined],
  ['absent', absent],
] as const) {
  t.test(`a malformed stored hash counts as a wrong password: optional library ${what}`, async t => {
    const world = await startApp(t, { overrides: { passwords: loadFast ? { loadFast } : {} } })
    const { app, log, rows } = world
    t.match(app.passwords.describe(), loadFast ? /^argon2, \d+ at once$/ : /^@node-rs\/argon2, \d+ at once$/)
    const { email, password } = await confirmedAccount(world)
    const logIn = () => post(app, '/login', { email, password })
    t.equal((await logIn()).statusCode, 200)
    const hashes = countHashes(t)
    let refused = 0
    const garbage = ['', '$', 'garbage', `$argon2id$v=19$m=64,t=1,p=1$${'_'.repeat(22)}$${'B'.repeat(43)}`]
    for (const passwordHash of garbage) {
      await rows.client.user.update({ where: { email }, data: { passwordHash } })
      const before = hashes()
      const answer = await logIn()
      t.equal(answer.statusCode, 401, JSON.stringify(passwordHash))
      t.equal(answer.json().code, 'invalid_credentials')
      t.equal(hashes() - before, 1, 'at the cost of one hash')
      refused++
      // The event is written after the response, and until then it holds SQLite's write lock.
      const recorded = () => rows.client.event.count({ where: { kind: 'log_in_refused' } })
      await until('the refusal is recorded', async () => (await recorded()) >= refused)
    }
    const other = await (loadFast ? fast : portable).hash(password, { memory: 64, time: 1, parallelism: 1 })
    await rows.client.user.update({ where: { email }, data: { passwordHash: other } })
    t.equal((await logIn()).statusCode, 200, 'and hashes of the other library verify')
    t.notOk(
      log.some(({ level }) => Number(level) >= 50),
      'no error is logged',
    )
    t.equal(await app.passwords.verify(undefined, password, clientAt()), false)
  })
}
