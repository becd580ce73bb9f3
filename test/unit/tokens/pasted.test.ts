import t from 'tap'
import { Compile } from 'typebox/compile'
import { MailedCode, pastedCode, pastedToken } from '../../../src/tokens/pasted.ts'

const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJleGFtcGxlIn0.c2lnbmF0dXJl-_Y'
const LINK = `https://example.org/accounts/app/confirm-email#token=${TOKEN}`

/** A text as an email program wraps it at 40 columns. */
const wrapped = (text: string, end: string) => text.replace(/.{40}/g, line => `${line}${end}`)

t.test('finds a token in pasted text', async t => {
  const pasted = {
    itself: TOKEN,
    'with white space around': ` \t${TOKEN}\r\n`,
    'with a non-breaking space behind': `${TOKEN}\u00a0`,
    'with a zero-width space and a byte order mark': `\ufeff${TOKEN}\u200b`,
    'in quotes': `"${TOKEN}"`,
    'in single quotes': `'${TOKEN}'`,
    'in typographic quotes': `„${TOKEN}“`,
    'in guillemets': `« ${TOKEN} »`,
    'in angle brackets': `<${TOKEN}>`,
    'in backquotes': `\`${TOKEN}\``,
    'in parentheses, with a full stop': `(${TOKEN}).`,
    wrapped: wrapped(TOKEN, '\r\n'),
    'as quoted-printable': wrapped(TOKEN, '=\r\n'),
    'in its link': LINK,
    'in its link in angle brackets': `<${LINK}>`,
    'in its wrapped link': wrapped(LINK, '\n'),
    'in a link in quoted-printable': wrapped(LINK.replace('=', '=3D'), '=\n'),
    'in a link with an encoded hash': LINK.replace('#', '%23'),
    'in a link with an encoded hash and equals sign': LINK.replace('#', '%23').replace('=', '%3D'),
    'in a link with a slash before the hash': LINK.replace('#', '/#'),
    'in the query of a link': LINK.replace('#', '?'),
    'in a link with more behind it': `${LINK}&utm_source=mail`,
    'with its name': `token=${TOKEN}`,
    'in a link that ends a sentence': `${LINK}.`,
  }
  for (const [how, text] of Object.entries(pasted)) t.equal(pastedToken(text), TOKEN, how)
})

t.test('text without a token in a known form is unchanged, and fails', async t => {
  const texts = [
    '',
    ' ',
    'not a token',
    '..',
    `${TOKEN}=`,
    `${TOKEN}\0`,
    `${TOKEN}.more`,
    `more.${TOKEN}`,
    `${TOKEN}/${TOKEN}`,
    TOKEN.slice(0, TOKEN.lastIndexOf('.') + 1),
    `Bearer:${TOKEN}`,
  ]
  for (const text of texts) t.equal(pastedToken(text), text, JSON.stringify(text))
  t.not(pastedToken(`${TOKEN} works once`), TOKEN, 'words behind')
  t.not(pastedToken(`${TOKEN} ${TOKEN}`), TOKEN, 'twice')
})

t.test('a long text takes linear time', async t => {
  for (const unit of ['token=', 'a.', '<', '=\r\n', 'token=a.b.', '&']) {
    const text = unit.repeat(Math.floor(4096 / unit.length))
    const before = performance.now()
    pastedToken(text)
    t.ok(performance.now() - before < 1000, JSON.stringify(unit))
  }
})

t.test('accepts a code in every customary spelling', async t => {
  const check = Compile(MailedCode(8))
  const spellings = [
    '12345678',
    '1234 5678',
    '1234\u00a05678',
    '1234\u202f5678',
    '1234-5678',
    '1234\u20135678',
    '12 34 56 78',
    ' 12345678\r\n',
    '"1234 5678"',
    '<12345678>',
    '„1234 5678“.',
    '\u200e1234\u200b5678',
    '１２３４５６７８',
    '１２３４　５６７８',
    '١٢٣٤ ٥٦٧٨',
    '۱۲۳۴۵۶۷۸',
  ]
  for (const text of spellings) {
    t.ok(check.Check(text), JSON.stringify(text))
    t.equal(pastedCode(text), '12345678', JSON.stringify(text))
  }
})

t.test('rejects other digits, more or fewer of them, and letters', async t => {
  const check = Compile(MailedCode(8))
  const faults = [
    '',
    ' ',
    '1234567',
    '123456789',
    'abcdefgh',
    '1234567a',
    'a12345678',
    '1234567²',
    '1234567Ⅷ',
    '1234567\0' + '8',
    '1'.repeat(65),
    `12345678${' '.repeat(60)}`,
  ]
  for (const text of faults) t.notOk(check.Check(text), JSON.stringify(text))
  t.ok(Compile(MailedCode(6)).Check('123456'))
  t.notOk(Compile(MailedCode(6)).Check('12345678'))
})
