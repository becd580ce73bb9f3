import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { LANGUAGES } from '../../../src/messages/messages.ts'
import { startApp } from '../../harness/app.ts'
import { addressesIn, PATHS, type Tag, tagsOf, unescapeHtml } from './documents.ts'

async function documents(app: FastifyInstance) {
  const found: { url: string; name: string; body: string; tags: Tag[] }[] = []
  for (const url of PATHS) {
    for (const language of LANGUAGES) {
      const { body } = await app.inject({ url, headers: { 'accept-language': language } })
      found.push({ url, name: `${url} in ${language}`, body, tags: tagsOf(body) })
    }
  }
  return found
}

t.test('no page has a script or a style of its own', async t => {
  const { app } = await startApp(t)
  for (const { name, body, tags } of await documents(app)) {
    const scripts = [...body.matchAll(/<script\b([^>]*)>(.*?)<\/script>/gs)]
    t.equal(scripts.length, 1, name)
    for (const [, attributes, inside] of scripts) {
      t.match(attributes, /^ type="module" src="[^"]+"$/, name)
      t.equal(inside, '', name)
    }
    t.notMatch(body, /<style|javascript:/i, name)
    for (const { attributes } of tags) {
      t.notOk(
        Object.keys(attributes).some(key => /^(style|on.*)$/.test(key)),
        name,
      )
    }
  }
})

t.test('every address is relative and leads to something that is there', async t => {
  const { app } = await startApp(t)
  for (const { url, name, body } of await documents(app)) {
    for (const address of addressesIn(body)) {
      t.notMatch(address, /^(\/|[a-z]+:)/i, `${name}: ${address} is relative`)
      // Below a prefix, as behind a proxy that cuts it off.
      const { pathname } = new URL(address, `https://example.org/auth${url}`)
      t.ok(pathname.startsWith('/auth/app'), `${name}: ${address} stays below the prefix`)
      const there = await app.inject({ method: 'HEAD', url: pathname.slice('/auth'.length) })
      t.equal(there.statusCode, 200, `${name}: ${address}`)
    }
  }
})

t.test('a page has one heading, landmarks, and ids that are its own', async t => {
  const { app } = await startApp(t)
  for (const { name, tags, body } of await documents(app)) {
    const count = (tag: string) => tags.filter(one => one.name === tag).length
    for (const tag of ['h1', 'main', 'header', 'nav', 'title']) t.equal(count(tag), 1, `${name}: ${tag}`)
    const ids = tags.flatMap(({ attributes }) => attributes['id'] ?? [])
    t.equal(new Set(ids).size, ids.length, `${name}: no id twice`)
    for (const { attributes } of tags) {
      for (const reference of ['aria-describedby', 'aria-labelledby', 'aria-controls', 'for']) {
        for (const id of attributes[reference]?.split(' ') ?? []) {
          t.ok(ids.includes(id), `${name}: ${reference}="${id}"`)
        }
      }
    }
    t.match(body, /<a class="skip" href="#main">/, name)
    const [, title = ''] = /<title>(.*?)<\/title>/.exec(body) ?? []
    t.match(unescapeHtml(title), 'latchkey', name)
  }
})

t.test('every field has a label, a name, and what browsers need to fill it in', async t => {
  const { app } = await startApp(t)
  for (const { name, tags } of await documents(app)) {
    const labelled = new Set(
      tags.filter(tag => tag.name === 'label').map(({ attributes }) => attributes['for']),
    )
    const fields = tags.filter(tag => tag.name === 'input' || tag.name === 'select')
    for (const { attributes } of fields) {
      const field = `${name}: ${attributes['id'] ?? attributes['autocomplete']}`
      t.notOk('maxlength' in attributes || 'value' in attributes || 'pattern' in attributes, field)
      // For password managers alone: never shown, never sent.
      if ('data-username' in attributes) {
        t.match(attributes, { autocomplete: 'username', hidden: '' }, field)
        t.notOk('name' in attributes, field)
        continue
      }
      t.ok(labelled.has(attributes['id'] ?? ''), field)
      t.ok(attributes['name'], field)
      if (attributes['type'] === 'password') {
        t.match(attributes['autocomplete'], /^(new|current)-password$/, field)
        const fresh = /^(newPassword|repeat)$/.test(attributes['name'] ?? '')
        t.equal(attributes['autocomplete'] === 'new-password', fresh, field)
      }
      if (attributes['data-digits']) {
        t.match(attributes, { inputmode: 'numeric', autocomplete: 'one-time-code' }, field)
      }
      if (attributes['type'] === 'email') t.equal(attributes['inputmode'], 'email', field)
    }
  }
})

t.test('a form sends nothing by itself, and nothing ever into an address', async t => {
  const { app } = await startApp(t)
  let forms = 0
  for (const { name, tags, body } of await documents(app)) {
    for (const { attributes } of tags.filter(tag => tag.name === 'form')) {
      forms++
      t.match(attributes, { method: 'post', novalidate: '' }, `${name}: ${attributes['data-form']}`)
      t.notOk('action' in attributes, name)
    }
    t.match(body, '<noscript>', name)
  }
  t.ok(forms > 50)
})

t.test('mails can be had in every language, each under its own name', async t => {
  const { app } = await startApp(t)
  const { body } = await app.inject('/app/account')
  const options = tagsOf(body).filter(tag => tag.name === 'option')
  t.same(
    options.map(({ attributes }) => attributes['value']),
    ['', ...LANGUAGES],
  )
})

t.test('a hostile name of the service is text everywhere', async t => {
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

t.test('the least length of a password is the configured one', async t => {
  const { app } = await startApp(t, { env: { PASSWORD_MIN_LENGTH: '15' } })
  const { body } = await app.inject('/app/register')
  t.match(body, 'data-min-length="15"')
  t.match(body, 'At least 15 characters')
})
