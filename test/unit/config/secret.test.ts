import { randomBytes, randomUUID } from 'node:crypto'
import t from 'tap'
import { isGuessable } from '../../../src/config/secret.ts'

t.test('detects secrets that a person made up', async t => {
  const madeUp: Record<string, string> = {
    'one character': 'x'.repeat(64),
    'few characters': 'abcabdabeabfacbacdaceacfadbadcade',
    'a password, repeated': 'Tr0ub4dor&3Tr0ub4dor&3Tr0ub4dor&3',
    'half of it, repeated': 'kX9#mQ2$vL7!pR4&zT1@kX9#mQ2$vL7!pR4&zT1@',
    'an alphabet': 'abcdefghijklmnopqrstuvwxyz012345',
    'an alphabet backwards': 'Q#9zyxwvutsrqK$2mLp!7VbXc@4Tn%8Rj',
    'a row of one digit': 'Kd93jf00000000Qm2Lx7Vb8Ty4Rn6Mh1J',
    'a passphrase': 'correct horse battery staple and another horse',
    'words with marks between them': 'my-super-secret-jwt-key-for-production',
    'words in mixed case, and a year': 'MyCompanyProductionServer2024!Pass',
    'a keyboard': 'qwertyuiopasdfghjklzxcvbnm123456',
    'digits, of 106 bits': '83014957260391847562093817465029',
    'a UUID of a clock': '01936f3e-8a77-7c3b-9d0e-4f1f2f0c6a55',
    'an old UUID of a clock': 'c232ab00-9414-11ec-b3c8-9f6bdeced846',
    'half words, in few characters': 'horse8battery3zqxw5staple.jkvb2wf'.toLowerCase(),
  }
  for (const [what, secret] of Object.entries(madeUp)) {
    t.ok(secret.length >= 32, 'long enough for the schema')
    t.ok(isGuessable(secret), what)
  }
})

t.test('accepts random secrets in any alphabet', async t => {
  const alphabets: Record<string, () => string> = {
    'base64 of 48 bytes': () => randomBytes(48).toString('base64'),
    'base64url of 32 bytes': () => randomBytes(32).toString('base64url'),
    'hexadecimal of 32 bytes': () => randomBytes(32).toString('hex'),
    'hexadecimal of 16 bytes': () => randomBytes(16).toString('hex'),
    'one UUID': () => randomUUID(),
    'two UUIDs': () => `${randomUUID()}${randomUUID()}`,
  }
  for (const [what, draw] of Object.entries(alphabets)) {
    const refused = Array.from({ length: 20 }, draw).filter(isGuessable)
    t.strictSame(refused, [], what)
  }
})
