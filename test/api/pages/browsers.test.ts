/**
 * The pages support browsers of the last five years: Chrome and Edge 96, Firefox 94, Safari 15.1 and later. The
 * compiler rejects newer syntax and library functions; this test rejects newer DOM, CSS and HTML. Top-level await
 * came with Safari 15.0.
 */
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { LANGUAGES } from '../../../src/messages/messages.ts'
import { startApp } from '../../harness/app.ts'
import { PATHS } from './documents.ts'

const at = (path: string) => new URL(import.meta.resolve(`#root/${path}`))
const read = (path: string) => readFileSync(at(path), 'utf8')

/** With the version in which the last of Chrome, Firefox and Safari supported it. */
const SCRIPT: Record<string, RegExp> = {
  'lookbehind (Safari 16.4)': /\(\?<[=!]/,
  'regular expressions with v or d (Firefox 116, Chrome 90)': /[^\s/]\/[gimsuy]*[dv][gimsuy]*[\s,;.)\]]/,
  'import attributes (Firefox 138)': /\bfrom '[^']+' with\b/,
  'aria… properties (Firefox 119)': /\.aria[A-Z]\w*/,
  'AbortSignal.timeout, .any (Safari 16, 17.4)': /AbortSignal\.(timeout|any)/,
  'signal.throwIfAborted, .reason (Safari 15.4)': /throwIfAborted|signal\.reason/,
  'structuredClone (Safari 15.4)': /\bstructuredClone\(/,
  'crypto.randomUUID (Safari 15.4)': /randomUUID/,
  'URL.canParse, .parse (Firefox 126)': /URL\.(canParse|parse)\(/,
  'Response.json (Safari 17)': /Response\.json\(/,
  'requestSubmit (Safari 16)': /requestSubmit/,
  'dialogs, popovers, inert (Safari 15.4, Firefox 125)': /showModal|[pP]opover|\binert\b/,
  'toggles of details, view transitions, navigation':
    /startViewTransition|\bnavigation\.|checkVisibility|moveBefore/,
  'the Cookie Store (Firefox 140)': /\bcookieStore\b/,
  'Trusted Types (Firefox 148)': /\btrustedTypes\b/,
  'Intl.Segmenter, .DurationFormat, supportedValuesOf': /Intl\.(Segmenter|DurationFormat|supportedValuesOf)/,
  'iterator helpers, set methods, Promise.try':
    /Iterator\.from|\.(isSubsetOf|symmetricDifference)\(|Promise\.try/,
  'Uint8Array in base64 (Chrome 140)': /fromBase64|toBase64|fromHex|toHex/,
  'scheduler, CSS typed OM, highlights': /\bscheduler\.|attributeStyleMap|CSS\.highlights/,
}
const STYLE: Record<string, RegExp> = {
  ':has() (Firefox 121)': /:has\(/,
  'states (Firefox 119 and later)': /:(user-(in)?valid|open|modal|popover-open|state)\b/,
  'rules (Safari 15.4 and later)':
    /@(layer|container|scope|property|starting-style|view-transition|position-try)\b/,
  'nesting (Firefox 117)': /(^|[{};])\s*&/,
  'small and large viewports (Firefox 101)': /\d[sld]v(h|w|i|b|min|max)\b/,
  'units of containers, rows and capitals': /\d(cq[whib]|lh|rlh|cap|rcap|ic)\b/,
  'colours (Firefox 113, Safari 15.4)': /\b(color-mix|oklch|oklab|lch|lab|light-dark|color|contrast-color)\(/,
  'ranges in media queries (Safari 16.4)': /@media[^{]*[<>]/,
  'single transforms (Chrome 104)': /[{;]\s*(translate|rotate|scale):/,
  'properties (2022 and later)':
    /[{;]\s*(accent-color|text-wrap|field-sizing|interpolate-size|container(-\w+)?|content-visibility|view-transition-name|anchor-name|position-anchor|scrollbar-(color|gutter|width)|animation-timeline|line-clamp|text-box)\s*:/,
  'subgrid, masonry (Chrome 117)': /\b(subgrid|masonry)\b/,
  'functions of numbers (Chrome 111 and later)':
    /\b(round|mod|rem|sin|cos|pow|sqrt|abs|sign|if|calc-size|sibling-index)\(/,
}
const MARKUP: Record<string, RegExp> = {
  'popover, inert, dialogs': /\s(popover(target)?|inert|command(for)?|closedby)[\s=>]|<dialog\b/,
  'groups of details (Firefox 130)': /<details[^>]*\sname=/,
  'search, selectedcontent': /<(search|selectedcontent)\b/,
}

function youngerThan(features: Record<string, RegExp>, name: string, text: string): string[] {
  return Object.entries(features)
    .filter(([, pattern]) => pattern.test(text))
    .map(([feature]) => `${name}: ${feature}`)
}

/** Scripts and styles; not their comments. */
const withoutComments = (source: string) => source.replace(/\/\*.*?\*\//gs, '').replace(/^\s*\/\/.*$/gm, '')

t.test('the compiler accepts the language and library of 2021 only', async t => {
  const { compilerOptions } = JSON.parse(read('web/browser/tsconfig.json'))
  t.equal(compilerOptions.target, 'es2021')
  t.strictSame(compilerOptions.lib, ['es2021', 'dom', 'dom.iterable'])
})

t.test('scripts, texts and styles use no newer features', async t => {
  const younger: string[] = []
  younger.push(...youngerThan(STYLE, 'style.css', withoutComments(read('dist/web/style.css'))))
  const built = readdirSync(at('dist/web/browser')).filter(name => name.endsWith('.js'))
  for (const name of built) {
    younger.push(...youngerThan(SCRIPT, name, withoutComments(read(`dist/web/browser/${name}`))))
  }
  for (const language of LANGUAGES) {
    const words = withoutComments(read(`dist/web/words/${language}/browser.js`))
    younger.push(...youngerThan(SCRIPT, `words/${language}`, words))
  }
  t.ok(built.length > 25)
  t.strictSame(younger, [])
})

t.test('no page has newer markup', async t => {
  const { app } = await startApp(t)
  const younger: string[] = []
  for (const url of PATHS) younger.push(...youngerThan(MARKUP, url, (await app.inject(url)).body))
  t.strictSame(younger, [])
})

t.test('each pattern matches its feature', async t => {
  const samples: [features: Record<string, RegExp>, samples: string[]][] = [
    [
      SCRIPT,
      [
        'text.split(/(?<=a)b/)',
        'x = /[a--b]/v;',
        "import a from './a.json' with { type: 'json' }",
        'form.ariaBusy = null',
        'AbortSignal.timeout(1)',
        'signal.reason',
        'structuredClone(x)',
        'crypto.randomUUID()',
        'URL.canParse(x)',
        'Response.json(x)',
        'form.requestSubmit()',
        'dialog.showModal()',
        'document.startViewTransition()',
        'cookieStore.get(x)',
        'trustedTypes.createPolicy(x)',
        'new Intl.Segmenter()',
        'Promise.try(x)',
        'bytes.toBase64()',
        'scheduler.yield()',
      ],
    ],
    [
      STYLE,
      [
        'a:has(b) {}',
        'input:user-invalid {}',
        '@layer x {}',
        'a { & b {} }',
        'a { height: 100dvh }',
        'a { width: 10cqw }',
        'a { color: color-mix(in srgb, red, blue) }',
        '@media (width < 30rem) {}',
        'a { rotate: 1turn }',
        'a { text-wrap: balance }',
        'a { grid-template-rows: subgrid }',
        'a { width: round(1px, 2px) }',
      ],
    ],
    [MARKUP, ['<div popover>', '<details name="x">', '<search>']],
  ]
  for (const [features, texts] of samples) {
    for (const [i, [feature, pattern]] of Object.entries(features).entries()) {
      t.match(texts[i], pattern, feature)
    }
  }
})
