import t from 'tap'
import { canonicalLocale } from '../../../src/accounts/locale.ts'
import { confirmedAccount, startApp, tokenIn } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { openRows } from '../../harness/rows.ts'

const ACCEPTED: [tag: string, canonical: string][] = [
  ['en', 'en'],
  ['en-gb', 'en-GB'],
  ['DE-at', 'de-AT'],
  ['zh-hans-cn', 'zh-Hans-CN'],
  ['iw', 'he'],
  ['de-DE-u-co-phonebk', 'de-DE-u-co-phonebk'],
  ['tostring', 'tostring'],
]

const REFUSED: [what: string, json: string][] = [
  ['an underscore', '"en_GB"'],
  ['one letter', '"e"'],
  ['nothing', '""'],
  ['a language of nine letters', '"languages"'],
  ['a property of every object', '"constructor"'],
  ['__proto__', '"__proto__"'],
  ['a hyphen at the end', '"en-"'],
  ['a subtag twice', '"en-u-co-phonebk-u-co-phonebk"'],
  ['36 characters', `"en-${'abcdefgh-'.repeat(4).slice(0, 33)}"`],
  ['a path', '"../../etc/passwd"'],
  ['a line break', '"en\\r\\nBcc: eve@example.com"'],
  ['a line break at the end', '"en\\n"'],
  ['NUL', '"en\\u0000"'],
  ['half a character', '"en\\ud800"'],
  ['a space', '" en"'],
  ['a list', '["en"]'],
  ['an object', '{"en":1}'],
  ['null', 'null'],
  ['a number', '1'],
]

t.test('a tag is stored in its canonical form', t => {
  for (const [tag, canonical] of ACCEPTED) t.equal(canonicalLocale(tag), canonical, tag)
  t.equal(canonicalLocale(undefined), null)
  t.end()
})

t.test('what is no language tag is refused, and nothing is registered', async t => {
  const { app, smtp, databaseUrl } = await startApp(t)
  for (const [what, json] of REFUSED) {
    const response = await app.inject({
      method: 'POST',
      url: '/register',
      headers: { 'content-type': 'application/json' },
      payload: `{"email":"ada@example.org","password":"correct horse battery staple","locale":${json}}`,
    })
    const { errors } = isProblemOf(t, response, 'validation_failed', what)
    t.strictSame([...new Set(errors?.map(({ path }) => path))], ['/locale'], `${what}: says where`)
  }
  const rows = await openRows(t, databaseUrl)
  t.strictSame(await rows.dump(), { users: [], registrations: [], sessions: [], outbox: [] })
  t.equal(smtp.connections(), 0)
})

t.test('a language goes with the registration into the account, and an unknown one gets English', async t => {
  const { app, smtp } = await startApp(t)
  const password = 'correct horse battery staple'
  for (const [index, [locale, language]] of (
    [
      ['fr-ca', 'fr'],
      ['tostring', 'en'],
      [undefined, 'en'],
    ] as const
  ).entries()) {
    const email = `person-${index}@example.org`
    await app.inject({ method: 'POST', url: '/register', payload: { email, password, locale } })
    const mail = (await smtp.waitForMails(index + 1))[index]
    t.match(mail?.html, `lang="${language}"`, `${locale}: the mail is in that language`)
    if (language === 'en') t.match(mail?.subject, /^Confirm your e-mail address/)
    const payload = { token: tokenIn(mail), password }
    const confirmed = await app.inject({ method: 'POST', url: '/confirm-email', payload })
    const headers = { authorization: `Bearer ${confirmed.json().accessToken}` }
    const me = await app.inject({ method: 'GET', url: '/me', headers })
    t.equal(me.json().locale, canonicalLocale(locale))
  }
})

t.test('a tag whose canonical form would be too long is refused', async t => {
  const house = await startApp(t)
  const { accessToken } = await confirmedAccount(house)
  const patch = (locale: string) =>
    house.app.inject({
      method: 'PATCH',
      url: '/me',
      headers: { authorization: `Bearer ${accessToken}` },
      payload: { locale },
    })
  t.equal((await patch('sh-x-aaaaaaaa-bbbbbbbb-cccc')).json().locale, 'sr-Latn-x-aaaaaaaa-bbbbbbbb-cccc')
  const long = await patch('sh-x-aaaaaaaa-bbbbbbbb-cccccccc-ddd')
  t.equal(long.statusCode, 400)
  t.match(long.json(), { code: 'validation_failed', errors: [{ path: '/locale' }] })
})
