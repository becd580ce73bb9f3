import { readFileSync } from 'node:fs'
import t from 'tap'
import { renderMail } from '../../../src/mail/templates.ts'
import { LANGUAGES } from '../../../src/messages/messages.ts'
import { contexts, kinds, linkOf, render, visible } from './mail-contexts.ts'

/** Escapes as the template tag does. */
const escapeHtml = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll("'", '&#39;')

for (const locale of LANGUAGES) {
  for (const kind of kinds) {
    const name = `${kind} in ${locale}`

    t.test(`${name}: every placeholder is filled`, async t => {
      const mail = render(kind, { locale })
      for (const part of [mail.subject, mail.text, mail.html]) {
        t.ok(part.trim())
        t.notMatch(part, /\b(undefined|null|NaN)\b|Invalid|\[object|\$\{|\{\{|%s/)
      }
      t.notMatch(mail.subject, /[\r\n]/)
      t.ok(mail.subject.length <= 78, 'a subject of one header line')
      t.match(mail.subject, 'latchkey')
      t.ok(mail.html.startsWith(`<!doctype html>\n<html lang="${locale}"`))
    })

    t.test(`${name}: the link is on its own line and occurs once`, async t => {
      const { text, html } = render(kind, { locale })
      const link = linkOf(kind)
      t.same(
        text.split('\n').filter(line => line.includes('://')),
        link === undefined ? [] : [link],
      )
      t.equal(html.match(/https?:/g)?.length ?? 0, link === undefined ? 0 : 3, 'and no other address')
      if (link === undefined) {
        t.notMatch(html, /<a\b|href/, 'no button without a target')
        return
      }
      t.equal(html.split(`href="${link}"`).length - 1, 2, 'in HTML a button and the bare link')
      t.match(html, `>${link}</a>`, 'the bare link can be read and copied')
      const [, style = ''] = new RegExp(`<a ([^>]*)>${link.replace(/[.?]/g, '\\$&')}</a>`).exec(html) ?? []
      t.match(
        style,
        /color:#56605e;font-size:12px;text-decoration:none;word-break:break-all/,
        'in small grey',
      )
      t.ok(
        html.lastIndexOf(link) > html.lastIndexOf(escapeHtml(text.trim().split('\n\n').at(-1) ?? '')),
        'last',
      )
      t.notMatch(html, /<a [^>]*><\/a>/, 'the button says where it leads')
    })

    t.test(`${name}: text and HTML have the same content`, async t => {
      const { text, html } = render(kind, { locale })
      const seen = visible(html)
      for (const paragraph of text.trim().split('\n\n')) t.ok(seen.includes(paragraph), paragraph)
    })

    t.test(`${name}: loads nothing from the network`, async t => {
      const { html } = render(kind, { locale })
      t.notMatch(html, /<img|<script|<iframe|<link|url\(|@import|\bsrc=|\bon\w+=|background=/i)
    })

    t.test(`${name}: markup in values is escaped`, async t => {
      const hostile = `<img src=x onerror=alert(1)>"'&</title></style>`
      const { html } = render(kind, {
        locale,
        to: `${hostile}@example.org`,
        service: hostile,
        ...('newEmail' in contexts[kind] && { newEmail: `${hostile}@example.net` }),
        ...('device' in contexts[kind] && { device: `${hostile} device`, ip: `${hostile} ip` }),
        ...('code' in contexts[kind] && { code: `${hostile} code` }),
        ...('link' in contexts[kind] && { link: `https://app.example.org/"><script>alert(1)</script>` }),
      })
      t.notMatch(html, /<img|<script/i)
      t.equal(html.match(/<\/title>/g)?.length, 1)
      t.equal(html.match(/<\/style>/g)?.length, 1)
      t.notMatch(html, 'app.example.org/"', 'the link does not leave its attribute')
      t.ok(visible(html).includes(`${hostile}@example.org`), 'shown as it is')
    })

    t.test(`${name}: line breaks in values add no header and no line`, async t => {
      const { subject, text } = render(kind, {
        locale,
        service: 'latch\r\nBcc: evil@example.net\u2028key',
        to: 'ada@example.org\r\n\r\nhttps://evil.example.net',
        ...('newEmail' in contexts[kind] && { newEmail: 'a@example.net\n\nhttps://evil.example.net' }),
        ...('device' in contexts[kind] && {
          device: 'Firefox\n\nhttps://evil.example.net',
          ip: '192.0.2.1\n\nhttps://evil.example.net',
        }),
      })
      t.notMatch(subject, /[\p{Cc}\u2028]/u)
      t.notMatch(text, /^(Bcc|https:\/\/evil)/m)
    })
  }

  t.test(`the code of a reset in ${locale}: alone on its line, in two groups, after the link`, async t => {
    const { subject, text, html } = render('reset_password', { locale })
    const lines = text.split('\n')
    t.same(
      lines.filter(line => /\d{4}/.test(line)),
      ['1234 5678'],
    )
    t.equal(html.split('>1234 5678<').length - 1, 1, 'alone in its element, once')
    t.match(html, /font-size:28px[^>]*>1234 5678</, 'and large')
    t.notMatch(`${subject}${text}${html}`, '12345678')
    t.ok(lines.indexOf('1234 5678') > lines.indexOf(linkOf('reset_password') ?? ''))
    t.notMatch(subject, /\d/, 'not in the subject, which lock screens show')
  })

  t.test(`a reset in ${locale} without a code does not mention one`, async t => {
    const { code, ...rest } = contexts.reset_password
    const withCode = renderMail('reset_password', { ...rest, locale, code: '12345678' }).text.split('\n\n')
    const without = renderMail('reset_password', { ...rest, locale }).text.split('\n\n')
    t.equal(code, '12345678')
    t.same(
      withCode.filter(paragraph => !without.includes(paragraph)).length,
      3,
      'the paragraph before it, the code and the one after it are left out',
    )
    t.equal(withCode.length, without.length + 3)
    t.notMatch(renderMail('reset_password', { ...rest, locale }).html, 'class="code"')
  })

  t.test(`the code of a change of password in ${locale}: alone on its line`, async t => {
    const { subject, text, html } = render('password_change_code', { locale })
    t.same(
      text.split('\n').filter(line => /\d{4}/.test(line)),
      ['123456'],
    )
    t.match(html, /font-size:28px[^>]*>123456</, 'large in HTML')
    t.equal(html.split('123456').length - 1, 1)
    t.notMatch(subject, /\d/)
  })
}

t.test('a code with leading zeros keeps them', async t => {
  t.match(render('reset_password', { code: '00000042' }).text, /^0000 0042$/m)
  t.match(render('password_change_code', { code: '000042' }).text, /^000042$/m)
})

t.test('the lifetime of a link or code is in suitable units', async t => {
  const lives: [number, string][] = [
    [1800, '30 minutes'],
    [86_400, '24 hours'],
    [3600, '1 hour'],
    [60, '1 minute'],
    [5400, '90 minutes'],
    [45, '45 seconds'],
    [119, '1 minute'],
    [259_200, '3 days'],
  ]
  const mortal = kinds.filter(kind => 'validFor' in contexts[kind])
  t.same(mortal, [
    'confirm_address',
    'reset_password',
    'password_change_code',
    'change_email',
    'account_secured',
    'invitation',
    'reset_required',
    'account_deleted',
  ])
  for (const [validFor, words] of lives) {
    for (const kind of mortal) {
      const { text, html } = render(kind, { validFor })
      t.match(text, ` ${words} of this email`)
      t.match(html, ` ${words} of this email`)
    }
  }
})

t.test("times are in UTC, whatever the server's time zone", async t => {
  const before = process.env['TZ']
  process.env['TZ'] = 'Asia/Tokyo'
  t.teardown(() => {
    if (before === undefined) delete process.env['TZ']
    else process.env['TZ'] = before
  })
  t.equal(new Date(0).getHours(), 9)
  const dated = kinds.filter(kind => 'at' in contexts[kind])
  t.same(dated, [
    'password_changed',
    'email_change_requested',
    'email_changed',
    'new_device',
    'account_deleted',
  ])
  for (const kind of dated) t.match(render(kind).text, /March 4, 2026.* 13:06:07 UTC/)
})

t.test('a confirmation asks for a new password, not for an existing one', async t => {
  const { text } = render('confirm_address')
  t.match(text, /open this link and choose your password:\n\nhttps:/)
  t.notMatch(text, /password you chose/)
})

t.test('a notice asks for the address of its recipient, and for no password', async t => {
  for (const kind of ['password_changed', 'email_change_requested', 'email_changed', 'new_device'] as const) {
    const { text } = render(kind)
    t.match(
      text,
      /If it was not, (secure your mailbox first,.* Then )?open this link and enter the address ada@example\.org there:\n\nhttps:/,
    )
    t.notMatch(text, /enter (the|your) password/)
  }
})

t.test('a request to change the address says that nothing has changed yet', async t => {
  t.match(render('email_change_requested').text, /Nothing has changed yet/)
  t.notMatch(render('email_changed').text, /Nothing has changed/)
})

t.test('emails have the mark and the colours of the pages, light and dark', async t => {
  const { html } = render('reset_password')
  const style = readFileSync(new URL(import.meta.resolve('#root/web/style.css')), 'utf8')
  const [light = '', dark = ''] = style.split('prefers-color-scheme: dark')
  const colours = (part: string) =>
    Object.fromEntries([...part.matchAll(/--([\w-]+): (#\w+);/g)].map(([, name, value]) => [name, value]))
  for (const [part, defined] of [
    [html.replace(/<style>.*<\/style>/s, ''), colours(light)],
    [/<style>.*<\/style>/s.exec(html)?.[0] ?? '', colours(dark)],
  ] as const) {
    const used = new Set(part.match(/#[\da-f]{6}\b/g))
    t.ok(used.size >= 7, 'every colour is one of the pages')
    for (const colour of used) t.ok(Object.values(defined).includes(colour), colour)
  }
  t.match(html, '<meta name="color-scheme" content="light dark">')
  t.match(html, /<table role="presentation".*?<\/table>/s, 'the mark')
})
