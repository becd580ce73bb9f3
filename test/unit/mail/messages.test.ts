import t from 'tap'
import type { MailKind, RenderedMail } from '../../../src/mail/templates.ts'
import { LANGUAGES, messagesFor } from '../../../src/messages/messages.ts'
import { contexts, kinds, linkOf, render, textNodes } from './mail-contexts.ts'

const parts = ['subject', 'text', 'html'] as const
const others = LANGUAGES.filter(language => language !== 'en')

t.test('mails are written in five languages', async t => {
  t.same([...LANGUAGES].sort(), ['de', 'en', 'es', 'fr', 'hr'])
})

t.test('looks the language up from the most specific tag to the most general', async t => {
  const wanted: [string | null | undefined, string][] = [
    ['de', 'de'],
    ['de-AT', 'de'],
    ['DE-ch', 'de'],
    ['de-Latn-CH-1996', 'de'],
    ['fr-CA', 'fr'],
    ['es-419', 'es'],
    ['hr-HR', 'hr'],
    ['en-GB', 'en'],
    ['EN', 'en'],
    ['tlh', 'en'],
    ['deu', 'en'],
    ['d', 'en'],
    ['x-de', 'en'],
    ['-de', 'en'],
    ['-', 'en'],
    ['', 'en'],
    ['!!', 'en'],
    ['__proto__', 'en'],
    ['constructor', 'en'],
    [null, 'en'],
    [undefined, 'en'],
  ]
  for (const [locale, language] of wanted) t.equal(messagesFor(locale).language, language, String(locale))
})

t.test('an unknown language gets the English mail', async t => {
  for (const kind of kinds) t.same(render(kind, { locale: 'tlh' }), render(kind, { locale: 'en' }), kind)
})

/** Values that occur in no catalogue, and the text in which each must appear. */
const sentinels: Record<string, { value: unknown; shown: string[] }> = {
  to: { value: 'zqto@example.org', shown: ['zqto@example.org'] },
  service: { value: 'Zqservice', shown: ['Zqservice'] },
  link: { value: 'https://zqlink.example.org/#token=zq', shown: ['https://zqlink.example.org/#token=zq'] },
  code: { value: '98769876', shown: ['9876 9876'] },
  validFor: { value: 1020, shown: ['17'] },
  at: { value: new Date('2031-11-23T21:43:57Z'), shown: ['2031', '23', '21:43:57'] },
  newEmail: { value: 'zqnew@example.net', shown: ['zqnew@example.net'] },
  device: { value: 'Zqdevice', shown: ['Zqdevice'] },
  ip: { value: '203.0.113.99', shown: ['203.0.113.99'] },
}

function renderSentinels(kind: MailKind, locale: string): { mail: RenderedMail; expected: string[] } {
  const given = Object.keys(contexts[kind]).filter(key => key !== 'locale')
  const values = given.map(key => [key, sentinels[key]?.value])
  const expected = given.flatMap(key => sentinels[key]?.shown ?? [`no sentinel for ${key}`])
  return { mail: render(kind, { ...Object.fromEntries(values), locale }), expected }
}

/** Number of occurrences of a string. */
function count(text: string, part: string): number {
  return text.split(part).length - 1
}

for (const kind of kinds) {
  t.test(`${kind}: no value is lost in any language`, async t => {
    const english = renderSentinels(kind, 'en')
    for (const shown of english.expected) {
      t.ok(english.mail.text.includes(shown), `in English: ${shown}`)
      t.ok(english.mail.html.includes(shown), `in English, HTML: ${shown}`)
    }
    for (const language of others) {
      const { mail, expected } = renderSentinels(kind, language)
      for (const part of parts) {
        const inEnglish = expected.filter(shown => english.mail[part].includes(shown))
        const missing = inEnglish.filter(shown => !mail[part].includes(shown))
        t.same(missing, [], `${language}, ${part}`)
      }
      for (const shown of ['zqnew@example.net', 'Zqdevice', '17'].filter(one => expected.includes(one))) {
        t.equal(count(mail.text, shown), count(english.mail.text, shown), `${language}: ${shown}, as often`)
      }
    }
  })

  t.test(`${kind}: no two languages share a sentence, a label or a subject`, async t => {
    const { code, device, ip } = { code: '', device: '', ip: '', ...contexts[kind] }
    const values = ['latchkey', linkOf(kind), code, code?.replace(/^(\d{4})(\d{4})$/, '$1 $2'), device, ip]
    for (const language of LANGUAGES) {
      const own = render(kind, { locale: language })
      const nodes = [own.subject, ...own.text.trim().split('\n\n'), ...textNodes(own.html)]
      const words = nodes.filter(node => !values.includes(node))
      t.ok(words.length >= 8, 'there are texts to compare')
      for (const other of LANGUAGES.filter(tag => tag !== language)) {
        const mail = render(kind, { locale: other })
        const theirs = new Set([mail.subject, ...mail.text.trim().split('\n\n'), ...textNodes(mail.html)])
        t.same(
          words.filter(node => theirs.has(node)),
          [],
          `${language} and ${other}`,
        )
      }
    }
  })

  t.test(`${kind}: no English word is left over in another language`, async t => {
    for (const locale of others) {
      const { subject, text, html } = render(kind, { locale, device: 'curl' })
      const seen = [subject, text, ...textNodes(html)].join('\n').replaceAll(/https:\S+/g, '')
      const english = /\b(the|your|you|and|with|from|this|that|if|account|password|address|email was|open)\b/i
      t.notMatch(seen, english, locale)
    }
  })

  t.test(`${kind}: says to whom, why, and what if it was not the reader, in both versions`, async t => {
    const phrases: Record<string, [string, string]> = {
      en: ['This email was sent to ada@example.org because ', 'If it was not you, '],
      de: ['Diese E-Mail ging an ada@example.org, weil ', 'Wenn Sie das nicht waren, '],
      fr: ['Ce message a été envoyé à ada@example.org parce qu', 'Si ce n’était pas vous, '],
      es: ['Este mensaje se envió a ada@example.org porque ', 'Si no fue usted, '],
      hr: ['Ova je poruka poslana na ada@example.org jer ', 'Ako to niste bili Vi, '],
    }
    for (const locale of LANGUAGES) {
      const { text, html } = render(kind, { locale })
      // These are caused by an operator.
      const isOurs = kind === 'invitation' || kind === 'reset_required'
      for (const phrase of phrases[locale]?.slice(0, isOurs ? 1 : 2) ?? ['no phrases']) {
        t.ok(
          text.split('\n').some(line => line.startsWith(phrase)),
          `${locale}: ${phrase}`,
        )
        t.ok(
          textNodes(html).some(node => node.startsWith(phrase)),
          `${locale}, HTML: ${phrase}`,
        )
      }
    }
  })

  t.test(`${kind}: the typography is that of the language`, async t => {
    for (const locale of LANGUAGES) {
      const { subject, text } = render(kind, { locale })
      const written = `${subject}\n${text}`.replace(/https:\S+|\d\d:\d\d:\d\d/g, '0')
      t.equal(written, written.normalize('NFC'), `${locale}: composed characters`)
      t.notMatch(written, /["'`´]|\.\.\.|--| {2}| $/m, `${locale}: no typewriter quotes, no stray spaces`)
      t.notMatch(written, / [,.]/, `${locale}: no space before a full stop or comma`)
      if (locale === 'fr') {
        t.notMatch(written, /[^\u00a0\u202f][:;!?»]/, 'no-break space before high punctuation')
        t.notMatch(written, /«[^\u00a0\u202f]/, 'and inside quotation marks')
      } else {
        t.notMatch(written, /[\s\u00a0][:;!?]/, `${locale}: no space before high punctuation`)
      }
    }
  })

  t.test(`${kind}: the reader is addressed formally`, async t => {
    const familiar: Record<string, RegExp> = {
      de: /(?<!\p{L})(du|dich|dir|dein\p{L}*|ihre?[nmrs]?|ihnen)(?!\p{L})/u,
      fr: /(?<!\p{L})(tu|te|toi|ton|tes)(?!\p{L})/u,
      es: /(?<!\p{L})(tú|tu|tus|te|ti|contigo)(?!\p{L})/u,
      hr: /(?<!\p{L})(ti|tebe|tebi|tvoj\p{L}*|vi|vas|vam|vama|vaš\p{L}*)(?!\p{L})/u,
    }
    const formal: Record<string, RegExp> = {
      de: /(?<!\p{L})(Sie|Ihre?[nmrs]?|Ihnen)(?!\p{L})/u,
      fr: /(?<!\p{L})(vous|votre|vos)(?!\p{L})/iu,
      es: /(?<!\p{L})usted(?!\p{L})/u,
      hr: /(?<!\p{L})Vi(?!\p{L})/u,
    }
    for (const locale of others) {
      const { subject, text } = render(kind, { locale })
      t.notMatch(`${subject}\n${text}`, familiar[locale], locale)
      t.match(text, formal[locale], locale)
    }
  })
}

t.test('durations are formatted in the language', async t => {
  const lives: Record<string, [number, string][]> = {
    de: [
      [1800, ' 30 Minuten '],
      [86_400, ' 24 Stunden '],
      [3600, ' 1 Stunde '],
      [259_200, ' 3 Tage '],
    ],
    fr: [
      [1800, ' 30 minutes '],
      [86_400, ' 24 heures '],
      [3600, ' 1 heure '],
      [259_200, ' 3 jours '],
    ],
    es: [
      [1800, ' 30 minutos '],
      [86_400, ' 24 horas '],
      [3600, ' 1 hora '],
      [259_200, ' 3 días '],
    ],
    hr: [
      [1800, ': 30 minuta.'],
      [86_400, ': 24 sata.'],
      [3600, ': 1 sat.'],
      [259_200, ': 3 dana.'],
    ],
  }
  const mortal = kinds.filter(kind => 'validFor' in contexts[kind])
  for (const locale of others) {
    for (const [validFor, words] of lives[locale] ?? []) {
      for (const kind of mortal) {
        const { text, html } = render(kind, { locale, validFor })
        const plain = (text: string) => text.replaceAll(/[\u00a0\u202f]/g, ' ')
        t.ok(plain(text).includes(words), `${kind}: ${words}`)
        t.ok(plain(html).includes(words), `${kind}: ${words}`)
      }
    }
  }
  t.same(Object.keys(lives).sort(), [...others].sort())
})

t.test('times are formatted in the language, in UTC', async t => {
  const moments: Record<string, RegExp> = {
    en: /On March 4, 2026.* 13:06:07 UTC, /,
    de: /Am 4\. März 2026.* 13:06:07 UTC hat /,
    fr: /Le 4 mars 2026.* 13:06:07 UTC, /,
    es: /El 4 de marzo de 2026.* 13:06:07 UTC, /,
    hr: / 4\. ožujka 2026\..* 13:06:07 UTC /,
  }
  for (const locale of LANGUAGES) {
    for (const kind of ['new_device', 'email_change_requested'] as const) {
      t.match(render(kind, { locale }).text, moments[locale], `${kind}, ${locale}`)
      t.match(render(kind, { locale }).html, moments[locale], `${kind}, ${locale}, HTML`)
    }
  }
})

t.test('an unknown device without an IP address', async t => {
  const unknown: Record<string, string> = {
    en: 'Device: unknown',
    de: 'Gerät: unbekannt',
    fr: 'Appareil\u00a0: inconnu',
    es: 'Dispositivo: desconocido',
    hr: 'Uređaj: nepoznat',
  }
  for (const locale of LANGUAGES) {
    const { text, html } = render('new_device', { locale, device: null, ip: null })
    t.ok(text.split('\n').includes(unknown[locale] ?? '?'), locale)
    t.ok(textNodes(html).includes(unknown[locale] ?? '?'), locale)
    t.notMatch(`${text}${html}`, /\bIP\b|null/, `${locale}: no line for an address that is not known`)
  }
})

t.test('the texts about a deletion name the link of an earlier notice in every language', async t => {
  const about = { service: 'latchkey', to: 'ada@example.org', at: 'today', validFor: '7 days' }
  for (const language of LANGUAGES) {
    const { mails, pages } = messagesFor(language)
    const { button } = mails.account_deleted(about)
    t.equal(mails.password_changed(about).button, button, `${language}: one name for the link`)
    const { notYou, before } = mails.farewell(about)
    t.ok(notYou.includes(button), `${language}: farewell`)
    t.notOk(
      before.join().includes(button),
      `${language}: the text for the person who deleted the account does not mention it`,
    )
    t.ok(pages.me.deleteText.includes(button), `${language}: account page`)
  }
})
