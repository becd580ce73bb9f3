import t from 'tap'
import { LANGUAGES } from '../../../src/messages/messages.ts'
import { startApp } from '../../harness/app.ts'
import { addressesIn, PATHS, type Tag, tagsOf, unescapeHtml } from './documents.ts'

interface Document {
  url: string
  name: string
  body: string
  tags: Tag[]
}

/** Collects faults with their documents, so that a test makes one assertion. */
function faults() {
  const found: string[] = []
  return { found, unless: (holds: unknown, fault: string) => void (holds || found.push(fault)) }
}

t.test('every page in every language', async t => {
  const { app } = await startApp(t)
  const documents: Document[] = []
  for (const url of PATHS) {
    for (const language of LANGUAGES) {
      const { body } = await app.inject({ url, headers: { 'accept-language': language } })
      documents.push({ url, name: `${url} in ${language}`, body, tags: tagsOf(body) })
    }
  }
  t.equal(documents.length, PATHS.length * LANGUAGES.length)

  t.test('pages have no inline scripts or styles', async t => {
    const { found, unless } = faults()
    for (const { name, body, tags } of documents) {
      const scripts = [...body.matchAll(/<script\b([^>]*)>(.*?)<\/script>/gs)]
      unless(scripts.length === 1, `${name}: ${scripts.length} scripts`)
      for (const [script, attributes = '', inside] of scripts) {
        unless(/^ type="module" src="[^"]+"$/.test(attributes) && inside === '', `${name}: ${script}`)
      }
      unless(!/<style|javascript:/i.test(body), `${name}: a style or an address that is a script`)
      for (const { attributes } of tags) {
        for (const key of Object.keys(attributes)) unless(!/^(style|on.*)$/.test(key), `${name}: ${key}`)
      }
    }
    t.strictSame(found, [])
  })

  t.test('every address is relative and its target exists', async t => {
    const { found, unless } = faults()
    const targets = new Set<string>()
    for (const { url, name, body } of documents) {
      for (const address of addressesIn(body)) {
        unless(!/^(\/|[a-z]+:)/i.test(address), `${name}: ${address} is not relative`)
        // Below a prefix, as behind a proxy that strips it.
        const { pathname } = new URL(address, `https://example.org/auth${url}`)
        unless(pathname.startsWith('/auth/app'), `${name}: ${address} leaves the prefix`)
        targets.add(pathname.slice('/auth'.length))
      }
    }
    for (const url of targets) {
      const { statusCode } = await app.inject({ method: 'HEAD', url })
      unless(statusCode === 200, `${url}: ${statusCode}`)
    }
    t.ok(targets.size > PATHS.length, 'pages and files')
    t.strictSame(found, [])
  })

  t.test('a page has one heading, landmarks and unique ids', async t => {
    const { found, unless } = faults()
    for (const { name, tags, body } of documents) {
      for (const tag of ['h1', 'main', 'header', 'footer', 'title']) {
        unless(tags.filter(one => one.name === tag).length === 1, `${name}: not one ${tag}`)
      }
      const labels = tags.filter(one => one.name === 'nav').map(({ attributes }) => attributes['aria-label'])
      unless(labels.length === 2 && new Set(labels).size === 2, `${name}: navigation ${labels.join()}`)
      const ids = tags.flatMap(({ attributes }) => attributes['id'] ?? [])
      unless(new Set(ids).size === ids.length, `${name}: an id twice`)
      for (const { attributes } of tags) {
        for (const reference of ['aria-describedby', 'aria-labelledby', 'aria-controls', 'for']) {
          for (const id of attributes[reference]?.split(' ') ?? []) {
            unless(ids.includes(id), `${name}: ${reference}="${id}" leads nowhere`)
          }
        }
      }
      unless(body.includes('<a class="skip" href="#main">'), `${name}: no way past the navigation`)
      const [, title = ''] = /<title>(.*?)<\/title>/.exec(body) ?? []
      unless(unescapeHtml(title).includes('latchkey'), `${name}: the title is ${title}`)
    }
    t.strictSame(found, [])
  })

  t.test('every field has a label, a name and autocomplete', async t => {
    const found: string[] = []
    for (const { name, tags } of documents) {
      const labels = tags.filter(tag => tag.name === 'label')
      const labelled = new Set(labels.map(({ attributes }) => attributes['for']))
      for (const { attributes } of tags.filter(tag => tag.name === 'input' || tag.name === 'select')) {
        for (const fault of faultsOfField(attributes, labelled)) {
          found.push(`${name}: ${attributes['id'] ?? attributes['autocomplete']}: ${fault}`)
        }
      }
    }
    t.strictSame(found, [])
  })

  t.test(
    'a form that sets a password names the account for password managers, before the password',
    async t => {
      const found: string[] = []
      let forms = 0
      for (const { name, body } of documents) {
        for (const [form] of body.matchAll(/<form.*?<\/form>/gs)) {
          const password = form.indexOf('autocomplete="new-password"')
          if (password === -1) continue
          forms++
          const username = form.indexOf('autocomplete="username"')
          if (username === -1 || username > password) found.push(`${name}: ${form.slice(0, 60)}`)
        }
      }
      t.ok(forms >= 6 * LANGUAGES.length, `${forms} forms`)
      t.strictSame(found, [])
    },
  )

  t.test('every page links to every language under its own name, and marks the current one', async t => {
    const { found, unless } = faults()
    for (const { name, tags } of documents) {
      const links = tags.filter(({ attributes }) => attributes['hreflang'] !== undefined)
      unless(links.length === LANGUAGES.length, `${name}: ${links.length} languages`)
      for (const { attributes } of links) {
        const { href, hreflang = '', lang, 'aria-current': current } = attributes
        unless(href === `?lang=${hreflang}` && lang === hreflang, `${name}: ${href} for ${hreflang}`)
        unless((current === 'true') === name.endsWith(` ${hreflang}`), `${name}: ${hreflang} is ${current}`)
      }
    }
    t.strictSame(found, [])
  })

  t.test('a form never submits by itself, and never puts a value into an address', async t => {
    const { found, unless } = faults()
    let forms = 0
    for (const { name, tags, body } of documents) {
      for (const { attributes } of tags.filter(tag => tag.name === 'form')) {
        forms++
        const { method, novalidate, action } = attributes
        const silent = method === 'post' && novalidate === '' && action === undefined
        unless(silent, `${name}: the form ${attributes['data-form']}`)
      }
      unless(body.includes('<noscript>'), `${name}: nothing for browsers without scripts`)
    }
    t.ok(forms > 50)
    t.strictSame(found, [])
  })
})

function faultsOfField(attributes: Record<string, string>, labelled: Set<string | undefined>): string[] {
  const { found, unless } = faults()
  const { id = '', name, type, autocomplete = '', inputmode } = attributes
  for (const key of ['maxlength', 'value', 'pattern']) unless(!(key in attributes), key)
  // For password managers only: never shown, never sent.
  if ('data-username' in attributes) {
    unless(autocomplete === 'username' && attributes['hidden'] === '' && !name, 'shown or sent')
    return found
  }
  unless(labelled.has(id), 'no label')
  unless(name, 'no name')
  if (type === 'password') {
    const fresh = /^(newPassword|repeat)$/.test(name ?? '')
    unless(autocomplete === (fresh ? 'new-password' : 'current-password'), `autocomplete="${autocomplete}"`)
  }
  if (attributes['data-digits']) {
    unless(inputmode === 'numeric' && autocomplete === 'one-time-code', 'no field for a code')
  }
  if (type === 'email') unless(inputmode === 'email', `inputmode="${inputmode}"`)
  return found
}

t.test('the language of emails offers every language under its own name', async t => {
  const { app } = await startApp(t)
  const { body } = await app.inject('/app/account')
  const options = tagsOf(body).filter(tag => tag.name === 'option')
  t.same(
    options.map(({ attributes }) => attributes['value']),
    ['', ...LANGUAGES],
  )
})

t.test('a hostile service name is escaped everywhere', async t => {
  const SERVICE_NAME = `"><script>alert(1)</script><img src=x onerror='x'>&amp;`
  const { app } = await startApp(t, { env: { SERVICE_NAME } })
  for (const url of [...PATHS, '/app/nothing']) {
    const { body } = await app.inject({ url, headers: { accept: 'text/html' } })
    t.notMatch(body, /<script>|<img src=x/, url)
    t.match(body, '&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;', url)
    const html = tagsOf(body).find(tag => tag.name === 'html')
    t.equal(html?.attributes['data-service'], SERVICE_NAME, url)
  }
})

t.test('the minimum length of a password is the configured one', async t => {
  const { app } = await startApp(t, { env: { PASSWORD_MIN_LENGTH: '15' } })
  for (const path of ['/app/confirm-email', '/app/reset-password']) {
    const { body } = await app.inject(path)
    t.match(body, 'data-min-length="15"', path)
    t.match(body, 'At least 15 characters', path)
  }
})

t.test('the registration asks for a password only without confirmation of addresses', async t => {
  for (const [EMAIL_CONFIRMATION, asks] of [
    ['required', false],
    ['off', true],
  ] as const) {
    const { app } = await startApp(t, { env: { EMAIL_CONFIRMATION } })
    const { body } = await app.inject('/app/register')
    const form = /<form [^>]*data-form="register">.*?<\/form>/s.exec(body)?.[0] ?? ''
    t.equal(form.includes('type="password"'), asks, EMAIL_CONFIRMATION)
  }
})
