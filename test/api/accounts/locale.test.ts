import t from 'tap'
import { canonicalLocale } from '../../../src/messages/locale.ts'
import { bearer, post, startApp, tokenIn } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { startSmtpServer } from '../../harness/smtp.ts'

const ACCEPTED: [spelling: string, canonical: string | null][] = [
  ['en', 'en'],
  ['en-gb', 'en-GB'],
  ['DE-at', 'de-AT'],
  ['DE-de', 'de-DE'],
  ['de_DE', 'de-DE'],
  ['DE_de', 'de-DE'],
  ['pt_BR.UTF-8', 'pt-BR'],
  ['pt_BR.utf8', 'pt-BR'],
  ['fr.ISO8859-1', 'fr'],
  ['de_DE@euro', 'de-DE'],
  ['de_DE.UTF-8@euro', 'de-DE'],
  ['sr_RS@latin', 'sr-Latn-RS'],
  ['uz_UZ.UTF-8@cyrillic', 'uz-Cyrl-UZ'],
  ['zh_TW_#Hant', 'zh-Hant-TW'],
  ['sr__#Latn', 'sr-Latn'],
  ['en_US@calendar=gregorian;hours=h23', 'en-US'],
  ['en_US_POSIX', 'en-US-u-va-posix'],
  ['zh-hans-cn', 'zh-Hans-CN'],
  ['zh_Hans_CN', 'zh-Hans-CN'],
  ['es_419', 'es-419'],
  [' hr_HR\n', 'hr-HR'],
  ['iw', 'he'],
  ['de-DE-u-co-phonebk', 'de-DE-u-co-phonebk'],
  ['sh-x-aaaaaaaa-bbbbbbbb-cccc', 'sr-Latn-x-aaaaaaaa-bbbbbbbb-cccc'],
  ['sh-x-aaaaaaaa-bbbbbbbb-cccccccc-ddd', 'sr-Latn'],
  ['tostring', 'tostring'],
  ['C', null],
  ['C.UTF-8', null],
  ['POSIX', null],
]

const REFUSED: [what: string, json: string][] = [
  ['one letter', '"e"'],
  ['nothing', '""'],
  ['a space', '" "'],
  ['a language of nine letters', '"languages"'],
  ['a property of every object', '"constructor"'],
  ['__proto__', '"__proto__"'],
  ['a hyphen at the end', '"en-"'],
  ['two underscores', '"en__GB"'],
  ['a codeset alone', '".UTF-8"'],
  ['two modifiers', '"de_DE@euro@euro"'],
  ['several languages', '"de,en;q=0.5"'],
  ['a subtag twice', '"en-u-co-phonebk-u-co-phonebk"'],
  ['65 characters', `"en-${'abcdefgh-'.repeat(8).slice(0, 62)}"`],
  ['a path', '"../../etc/passwd"'],
  ['a line break', '"en\\r\\nBcc: eve@example.com"'],
  ['NUL', '"en\\u0000"'],
  ['half a character', '"en\\ud800"'],
  ['a list', '["en"]'],
  ['an object', '{"en":1}'],
  ['null', 'null'],
  ['a number', '1'],
]

t.test('a language is stored in its canonical form, however it is spelt', t => {
  for (const [spelling, canonical] of ACCEPTED) t.equal(canonicalLocale(spelling), canonical, spelling)
  t.equal(canonicalLocale(undefined), null)
  t.end()
})

t.test('an invalid language tag is refused, and nothing is registered', async t => {
  const { app, smtp, rows } = await startApp(t, { smtp: await startSmtpServer(t) })
  for (const [what, json] of REFUSED) {
    const response = await post(
      app,
      '/register',
      `{"email":"ada@example.org","password":"correct horse battery staple","locale":${json}}`,
      { 'content-type': 'application/json' },
    )
    const { errors } = isProblemOf(t, response, 'validation_failed', what)
    t.strictSame([...new Set(errors?.map(({ path }) => path))], ['/locale'], `${what}: says where`)
  }
  t.strictSame(await rows.dump(), { users: [], registrations: [], sessions: [], outbox: [] })
  t.equal(smtp.connections(), 0)
})

t.test('the account keeps the language of its registration; an unknown language gets English', async t => {
  const { app, smtp } = await startApp(t)
  const password = 'correct horse battery staple'
  for (const [index, [locale, language]] of (
    [
      ['fr_CA.UTF-8', 'fr'],
      ['zh-Hans-CN', 'en'],
      ['C.UTF-8', 'en'],
      [undefined, 'en'],
    ] as const
  ).entries()) {
    const email = `person-${index}@example.org`
    await post(app, '/register', { email, password, locale })
    const mail = (await smtp.waitForMails(index + 1))[index]
    t.match(mail?.html, `lang="${language}"`, `${locale}: the mail is in that language`)
    if (language === 'en') t.match(mail?.subject, /^Confirm your email address/)
    const payload = { token: tokenIn(mail), password }
    const confirmed = await post(app, '/confirm-email', payload)
    const headers = bearer(confirmed.json().accessToken)
    const me = await app.inject({ method: 'GET', url: '/me', headers })
    t.equal(me.json().locale, canonicalLocale(locale))
  }
})

t.test('accepts underscores in Accept-Language', async t => {
  const { app, smtp } = await startApp(t)
  const page = await app.inject({
    url: '/app/login',
    headers: { accept: 'text/html', 'accept-language': 'de_AT' },
  })
  t.match(page.body, /<html lang="de"/)
  const headers = { 'accept-language': 'xx_YY,fr_CA;q=0.8' }
  await post(app, '/register', { email: 'ada@example.org' }, headers)
  t.match((await smtp.waitForMails(1))[0]?.html, 'lang="fr"')
})
