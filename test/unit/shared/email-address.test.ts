import t from 'tap'
import { isProblem } from '../../../src/errors.ts'
import { canonicalEmail } from '../../../src/shared/email-address.ts'
import { ACCEPTED, REFUSED } from './addresses.ts'

for (const [input, canonical] of ACCEPTED) {
  t.test(`${JSON.stringify(input)} is ${canonical}`, async t => {
    t.equal(canonicalEmail(input), canonical)
    t.equal(canonicalEmail(canonical), canonical, 'and its canonical form stays as it is')
  })
}

for (const [what, input] of REFUSED) {
  t.test(`refused: ${what}`, async t => {
    try {
      t.fail('taken as an address', { canonical: canonicalEmail(input) })
    } catch (error) {
      if (!isProblem(error)) throw error
      t.match(error, { code: 'validation_failed', errors: [{ path: '/email' }] })
      if (input.trim())
        t.notMatch(JSON.stringify(error.errors) + error.detail, input, 'the input is not quoted')
    }
  })
}

t.test('the limits are those of RFC 5321, to the character', async t => {
  const domain = `${'d'.repeat(60)}.${'e'.repeat(60)}.${'f'.repeat(60)}`
  t.equal(canonicalEmail(`${'a'.repeat(64)}@example.org`).length, 64 + 12)
  t.throws(() => canonicalEmail(`${'a'.repeat(65)}@example.org`))
  const longest = `${'a'.repeat(64)}@${domain}.${'g'.repeat(6)}`
  t.equal(canonicalEmail(longest).length, 254)
  t.throws(() => canonicalEmail(`${longest}g`))
  t.equal(canonicalEmail(`a@${'d'.repeat(63)}.example`).length, 73)
  t.throws(() => canonicalEmail(`a@${'d'.repeat(64)}.example`))
})
