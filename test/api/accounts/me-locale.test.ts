import t from 'tap'
import { LANGUAGES } from '../../../src/messages/messages.ts'
import { bearer, confirmedAccount, post, startApp, tokenIn } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { until } from '../../harness/until.ts'

const password = 'correct horse battery staple'

t.test('sets the canonical language of this account only, and unsets it', async t => {
  const service = await startApp(t)
  const { app } = service
  const ada = await confirmedAccount(service)
  const eve = await confirmedAccount(service)
  const before = (await app.inject({ url: '/me', headers: bearer(ada) })).json()
  for (const [locale, canonical] of [
    ['de-at', 'de-AT'],
    ['HR_hr.UTF-8', 'hr-HR'],
    ['iw', 'he'],
    ['tlh', 'tlh'],
    [null, null],
  ]) {
    const answer = await app.inject({
      method: 'PATCH',
      url: '/me',
      headers: bearer(ada),
      payload: { locale },
    })
    t.equal(answer.statusCode, 200)
    t.strictSame(answer.json(), { ...before, locale: canonical })
    t.strictSame((await app.inject({ url: '/me', headers: bearer(ada) })).json(), answer.json())
  }
  t.equal((await app.inject({ url: '/me', headers: bearer(eve) })).json().locale, null)
})

t.test('an invalid language tag changes nothing, and no other property can be changed', async t => {
  const service = await startApp(t)
  const { rows } = service
  const ada = await confirmedAccount(service)
  await rows.settled()
  const before = await rows.dump()
  const bodies = [
    ...['', 'e', 'en__GB', 'en-', 'languages', '__proto__', 'en\0', 'a'.repeat(36)],
    ...[1, true, ['en'], { en: 1 }],
  ].map(locale => ({ locale }))
  const others = [
    {},
    { locale: 'de', email: 'eve@example.org' },
    { email: 'eve@example.org' },
    { emailConfirmedAt: null },
    [],
    null,
    'de',
  ]
  for (const payload of [...bodies, ...others]) {
    const answer = await service.app.inject({
      method: 'PATCH',
      url: '/me',
      headers: { ...bearer(ada), 'content-type': 'application/json' },
      payload: JSON.stringify(payload),
    })
    isProblemOf(t, answer, 'validation_failed', JSON.stringify(payload))
  }
  const nobody = await service.app.inject({ method: 'PATCH', url: '/me', payload: { locale: 'de' } })
  isProblemOf(t, nobody, 'unauthenticated')
  t.strictSame(await rows.dump(), before)
})

t.test('emails use the new language, also those requested before the change', async t => {
  const service = await startApp(t, { overrides: { mail: { timing: { firstRetry: 1 } } } })
  const { app, smtp, rows } = service
  const ada = await confirmedAccount(service)
  await rows.settled()
  const speak = (locale: string | null) =>
    app.inject({ method: 'PATCH', url: '/me', headers: bearer(ada), payload: { locale } })
  const subjects = new Set<string>()
  for (const [locale, language] of [
    ...LANGUAGES.map(one => [one, one] as const),
    ['de-CH', 'de'],
    ['tlh', 'en'],
    [null, 'en'],
  ] as const) {
    await speak(locale)
    await post(app, '/password-reset/request', { email: ada.email })
    await rows.settled()
    const mail = smtp.mails.at(-1)
    t.match(mail?.html, `lang="${language}"`, String(locale))
    t.equal((await post(app, '/password-reset/check', { token: tokenIn(mail) })).statusCode, 200)
    subjects.add(mail?.subject ?? '')
  }
  t.equal(subjects.size, LANGUAGES.length, 'subjects are translated too')

  await smtp.stop()
  await post(app, '/password-reset/request', { email: ada.email })
  const failed = { where: { leasedUntil: null, NOT: { lastError: null } } }
  await until('delivery has failed', async () => (await rows.client.outbox.count(failed)) > 0)
  await speak('fr')
  await smtp.start()
  await rows.settled()
  t.match(smtp.mails.at(-1)?.html, 'lang="fr"')
})

t.test('a registration uses Accept-Language unless the body has a locale', async t => {
  const service = await startApp(t)
  const { app, smtp, rows } = service
  const cases: [header: string | undefined, body: string | undefined, locale: string | null][] = [
    ['de', undefined, 'de'],
    ['de-AT,de;q=0.9,en;q=0.8', undefined, 'de'],
    ['en;q=0.5, hr;q=0.9, *;q=0.1', undefined, 'hr'],
    ['fr;q=0, es;q=0.1', undefined, 'es'],
    ['pt-BR, es;q=0.2', undefined, 'es'],
    ['FR', undefined, 'fr'],
    ['tlh, ja;q=0.5', undefined, null],
    ['de;q=0', undefined, null],
    ['*', undefined, 'en'],
    ['', undefined, null],
    [undefined, undefined, null],
    [';;;,,q=,;q=2', undefined, null],
    ['../../etc/passwd', undefined, null],
    ['constructor, __proto__', undefined, null],
    [`${'x'.repeat(15_000)}, de`, undefined, 'de'],
    [`${'xx,'.repeat(5_000)}de;q=0.1`, undefined, 'de'],
    ['de', 'fr-ca', 'fr-CA'],
    ['de', 'tlh', 'tlh'],
  ]
  for (const [index, [header, locale, expected]] of cases.entries()) {
    const email = `person-${index}@example.org`
    const begin = performance.now()
    const answer = await post(
      app,
      '/register',
      { email, password, ...(locale !== undefined && { locale }) },
      header === undefined ? {} : { 'accept-language': header },
    )
    t.ok(performance.now() - begin < 5000, 'in time')
    t.equal(answer.statusCode, 202)
    const name = `${header?.slice(0, 40)} with ${locale}`
    t.equal((await rows.client.registration.findFirst({ where: { email } }))?.locale, expected, name)
  }
  await smtp.waitForMails(cases.length)
  t.match(smtp.mails.find(({ to }) => to.includes('person-2@example.org'))?.html, 'lang="hr"')

  const bad = { email: 'ada@example.org', password, locale: 'not a language' }
  const headers = { 'accept-language': 'de' }
  const refused = await post(app, '/register', bad, headers)
  isProblemOf(t, refused, 'validation_failed', 'an invalid tag in the body does not fall back to the header')
})
