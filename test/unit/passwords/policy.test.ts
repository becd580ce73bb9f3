import t from 'tap'
import { isProblem } from '../../../src/errors.ts'
import { assertAcceptable, isWellFormedPassword, normalizePassword } from '../../../src/passwords/policy.ts'

const CONTEXT = { email: 'lovelace.ada@example.org', serviceName: 'latchkey', minLength: 8 }

/** Why a password is rejected; undefined if it is not. */
function rejection(password: string, context: Partial<typeof CONTEXT> = {}): string | undefined {
  try {
    assertAcceptable(password, { ...CONTEXT, ...context })
    return undefined
  } catch (error) {
    if (!isProblem(error) || error.code !== 'password_rejected') throw error
    return error.detail
  }
}

const ASTRAL = '\u{1f511}'
const COMBINED = 'e\u0301'

const REFUSED: [what: string, password: string, reason: RegExp][] = [
  ['7 characters', 'kX9#mQz', /at least 8/],
  ['7 astral characters, 14 UTF-16 units', ASTRAL.repeat(7), /at least 8/],
  ['7 characters that are 14 before NFC', COMBINED.repeat(7), /at least 8/],
  ['129 characters', `${'kX9#mQz!'.repeat(16)}1`, /at most 128/],
  ['129 astral characters', ASTRAL.repeat(129), /at most 128/],
  ['129 characters that are 258 before NFC', COMBINED.repeat(129), /at most 128/],
  ['nothing', '', /at least 8/],
  ['NUL', 'a fine password\0', /NUL/],
  ['NUL at the start', '\0a fine password', /NUL/],
  ['a lone high surrogate', 'a fine password\ud83d', /half a character/],
  ['a lone low surrogate', '\udd11a fine password', /half a character/],
  ['surrogates in the wrong order', 'a fine \udd11\ud83d password', /half a character/],
  ['a common one', 'password', /most common/],
  ['a common one in capitals', 'PASSWORD', /most common/],
  ['a common one in mixed case', 'PassWord1', /most common/],
  ['a common one of digits', '123456789', /most common/],
  ['a common row of keys', 'qwertyuiop', /most common/],
  ['the local part', 'lovelace.ada', /email address/],
  ['the local part in other case', 'Lovelace.Ada', /email address/],
  ['the whole address', 'LOVELACE.ADA@example.org', /email address/],
  ["the service's name", 'latchkey', /name of this service/],
  ["the service's name in other case", 'LatchKey', /name of this service/],
]

const ACCEPTED: [what: string, password: string][] = [
  ['8 characters', 'kX9#mQz!'],
  ['128 characters', 'kX9#mQz!'.repeat(16)],
  ['8 astral characters', ASTRAL.repeat(8)],
  ['128 astral characters', ASTRAL.repeat(128)],
  ['8 characters that are 16 before NFC', COMBINED.repeat(8)],
  ['128 characters that are 256 before NFC', COMBINED.repeat(128)],
  ['no capitals, no digits, no signs: there is no rule of composition', 'horse staple battery'],
  ['spaces at both ends', '   kX9m   '],
  ['spaces alone', '        '],
  ['a common one with a space before it', ' iloveyou2'],
  ['control characters', 'tab\tand\nline'],
  ['the replacement character', 'kX9#mQz\ufffd'],
  ['another alphabet', '\u043f\u0430\u0440\u043e\u043b\u044c\u043d\u044b\u0439'],
  ['what only contains the local part', 'lovelace.ada and more'],
]

t.test('rejects passwords with a reason', t => {
  for (const [what, password, reason] of REFUSED) {
    t.match(rejection(password), reason, what)
    if (!['', 'password'].includes(password))
      t.notOk(rejection(password)?.includes(password), `${what}: is not quoted`)
  }
  t.end()
})

t.test('accepts passwords', t => {
  for (const [what, password] of ACCEPTED) t.equal(rejection(password), undefined, what)
  t.end()
})

t.test('PASSWORD_MIN_LENGTH raises the minimum length', t => {
  t.match(rejection('kX9#mQz!kX9#mQ', { minLength: 15 }), /at least 15/)
  t.equal(rejection('kX9#mQz!kX9#mQz', { minLength: 15 }), undefined)
  t.end()
})

t.test('the name of another service is accepted', t => {
  t.equal(rejection('latchkey', { serviceName: 'something else' }), undefined)
  t.match(rejection('Something Else', { serviceName: 'something else' }), /name of this service/)
  t.end()
})

t.test('refuses the 10,000 most common passwords', t => {
  for (const password of [
    '12345678',
    'iloveyou',
    'sunshine',
    'football',
    'princess',
    'trustno1',
    'letmein1',
  ]) {
    t.match(rejection(password), /most common/, password)
  }
  t.end()
})

t.test('the same password typed on another keyboard is equal', t => {
  t.equal(normalizePassword('p\u00e4ssw\u00f6rter'), normalizePassword('pa\u0308sswo\u0308rter'))
  t.equal(normalizePassword('\u212bngstr\u00f6m'), normalizePassword('A\u030angstro\u0308m'))
  t.not(normalizePassword('o\ufb03ce'), normalizePassword('office'), 'NFC folds no compatibility characters')
  t.equal(normalizePassword('  two  spaces  '), '  two  spaces  ', 'nothing is trimmed')
  t.end()
})

t.test('a lone surrogate is rejected', t => {
  t.ok(isWellFormedPassword('\ud83d\udd11'))
  t.notOk(isWellFormedPassword('\ud83d'))
  t.notOk(isWellFormedPassword('a\0b'))
  t.end()
})
