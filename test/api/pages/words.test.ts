import t from 'tap'
import { EVENT_KINDS, OPERATOR_EVENT_KINDS } from '../../../src/database/queries/events.ts'
import { LANGUAGES, messagesFor } from '../../../src/messages/messages.ts'

/** Every sentence of a catalogue by its path; functions are called with sample arguments. */
function sentences(words: object, place = ''): [place: string, text: string][] {
  return Object.entries(words).flatMap(([key, value]): [string, string][] => {
    const at = place === '' ? key : `${place}.${key}`
    if (typeof value === 'string') return [[at, value]]
    if (typeof value === 'function') {
      return [1, 17].map(n => {
        const sample = key === 'device' ? `Other client on Linux ${n}` : n
        return [`${at}(${n})`, String(value(sample, sample))]
      })
    }
    return sentences(value as object, at)
  })
}

const catalogues = LANGUAGES.map(language => {
  const { pages, browser } = messagesFor(language)
  return { language, said: sentences({ pages, browser }) }
})
const english = new Map(catalogues.find(({ language }) => language === 'en')?.said)

/** Words that are the same in two languages. */
const SHARED = /^(code|codes|mail|mails)$/i

t.test('all languages have the same keys', async t => {
  for (const { language, said } of catalogues) {
    t.same(
      said.map(([place]) => place),
      [...english.keys()],
      language,
    )
    for (const [place, text] of said) {
      t.ok(text.trim(), `${language}: ${place} says something`)
      t.notMatch(text, /\b(undefined|null|NaN)\b|\[object|\$\{/, `${language}: ${place}`)
      if (place.endsWith('(17)')) t.match(text, '17', `${language}: ${place} keeps its number`)
    }
  }
})

t.test('every kind of event has a text', async t => {
  for (const language of LANGUAGES) {
    const { events } = messagesFor(language).browser
    t.same(Object.keys(events).sort(), [...EVENT_KINDS, ...OPERATOR_EVENT_KINDS].sort(), language)
    t.equal(new Set(Object.values(events)).size, Object.keys(events).length, `${language}: no two alike`)
  }
})

t.test('no sentence is left in English', async t => {
  for (const { language, said } of catalogues.filter(one => one.language !== 'en')) {
    for (const [place, text] of said) {
      if (!SHARED.test(text)) t.not(text, english.get(place), `${language}: ${place}`)
      t.notMatch(text, /\b(the|your|you|and|with|this|password|address|please)\b/i, `${language}: ${place}`)
    }
  }
})

t.test('the typography is that of the language', async t => {
  for (const { language, said } of catalogues) {
    for (const [place, text] of said) {
      const name = `${language}: ${place}: ${text}`
      t.equal(text, text.normalize('NFC'), name)
      t.notMatch(text, /['`´]|\.\.\.|--|—| {2}|^ | $| [,.]/, name)
      if (language !== 'en') t.notMatch(text, /"/, name)
      if (language === 'fr') {
        t.notMatch(text, /[^\u00a0\u202f][:;!?»]/, name)
        t.notMatch(text, /«[^\u00a0\u202f]/, name)
      } else t.notMatch(text, /[\s\u00a0][:;!?]/, name)
    }
  }
})

t.test('the reader is addressed formally', async t => {
  const familiar: Record<string, RegExp> = {
    de: /(?<!\p{L})(du|dich|dir|dein\p{L}*|ihre?[nmrs]?|ihnen)(?!\p{L})/u,
    fr: /(?<!\p{L})(tu|te|toi|ton|tes)(?!\p{L})/u,
    es: /(?<!\p{L})(tú|tu|tus|te|ti|contigo)(?!\p{L})/u,
    hr: /(?<!\p{L})(ti|tebe|tebi|tvoj\p{L}*|vi|vas|vam|vama|vaš\p{L}*)(?!\p{L})/u,
  }
  for (const { language, said } of catalogues) {
    const wrong = familiar[language]
    if (wrong) for (const [place, text] of said) t.notMatch(text, wrong, `${language}: ${place}: ${text}`)
  }
})
