/** HTML of an email. */
import { type Html, html } from '../shared/html.ts'

export interface MailPage {
  /** BCP 47 tag. */
  language: string
  title: string
  service: string
  before: string[]
  link?: MailLink | undefined
  code?: MailCode | undefined
  after: string[]
  footer: string[]
}

export interface MailLink {
  href: string
  button: string
  /** In front of the bare address. */
  hint: string
}

export interface MailCode {
  digits: string
  /** Paragraphs for a page that has no link. */
  before: string[]
  after: string[]
}

const font = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
const codeFont = "font-family:ui-monospace,'Cascadia Mono',Menlo,Consolas,monospace"

/** The colours of the pages (web/style.css), light and dark. */
const light = {
  page: '#f5f4f0',
  card: '#ffffff',
  ink: '#1d2423',
  quiet: '#56605e',
  line: '#dcdad3',
  accent: '#1f5f5b',
  onAccent: '#ffffff',
  tint: '#e8f1ef',
}
const dark: typeof light = {
  page: '#121716',
  card: '#1b2221',
  ink: '#e9eeec',
  quiet: '#a6b1ae',
  line: '#313b39',
  accent: '#7fc9c1',
  onAccent: '#0c2422',
  tint: '#1d302e',
}

const DARK_MODE = `:root { color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  .page { background: ${dark.page} !important; }
  .card { background: ${dark.card} !important; color: ${dark.ink} !important; border-color: ${dark.line} !important; }
  .button { background: ${dark.accent} !important; color: ${dark.onAccent} !important; }
  .code { background: ${dark.tint} !important; border-color: ${dark.line} !important; }
  .small { border-color: ${dark.line} !important; }
  .quiet { color: ${dark.quiet} !important; }
}`

// One column and inline styles, because email clients drop style sheets. The style sheet is for dark mode
// only. Nothing is loaded from the network.
export function mailPage(page: MailPage): string {
  return html`<!doctype html>
<html lang="${page.language}" dir="auto">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="format-detection" content="telephone=no">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${page.title}</title>
<style>
${{ markup: DARK_MODE }}
</style>
</head>
<body class="page" style="margin:0;padding:0;background:${light.page}">
<div class="page" style="padding:24px 12px;background:${light.page}">
<div class="card" style="max-width:496px;margin:0 auto;padding:24px;background:${light.card};color:${light.ink};border:1px solid ${light.line};border-radius:16px;${font};font-size:16px;line-height:1.5">
${brand(page.service)}
<h1 style="margin:0 0 16px;font-size:22px;line-height:1.25">${page.title}</h1>
${[...page.before.map(paragraph), ...buttonOf(page.link), ...codeOf(page.code), ...page.after.map(paragraph)]}
<div class="small" style="margin-top:24px;padding-top:16px;border-top:1px solid ${light.line};font-size:14px">
${[...page.footer.map(small), ...bareLinkOf(page.link)]}
</div>
</div>
</div>
</body>
</html>
`.markup
}

/** The mark of the pages, drawn with boxes: mail clients show no SVG and block images. */
function brand(service: string): Html {
  const box = 'font-size:0;line-height:0'
  return html`<table role="presentation" cellpadding="0" cellspacing="0" style="margin:0 0 20px;border-collapse:separate">
<tr>
<td style="width:7px;height:32px;background:${light.accent};border-radius:8px 0 0 8px;${box}"></td>
<td style="width:12px;background:${light.accent};${box};vertical-align:middle"><div style="width:6px;height:6px;border:3px solid #ffffff;border-radius:50%"></div></td>
<td style="width:13px;background:${light.accent};border-radius:0 8px 8px 0;${box};vertical-align:middle"><div style="width:9px;height:3px;margin-top:4px;background:#ffffff"></div><div style="width:2px;height:4px;margin-left:3px;border:solid #ffffff;border-width:0 2px"></div></td>
<td style="padding-left:10px;font-size:16px;font-weight:600">${service}</td>
</tr>
</table>`
}

const paragraph = (text: string) => html`<p style="margin:0 0 16px">${text}</p>`

const small = (text: string) => html`<p class="quiet" style="margin:0 0 8px;color:${light.quiet}">${text}</p>`

function buttonOf(link: MailLink | undefined): Html[] {
  if (!link) return []
  return [
    html`<p style="margin:0 0 24px"><a class="button" href="${link.href}" style="display:inline-block;padding:12px 20px;background:${light.accent};color:${light.onAccent};border-radius:10px;text-decoration:none;font-weight:600">${link.button}</a></p>`,
  ]
}

/** Less prominent than the text: it is needed only if the button does not work, and is several lines of token. */
function bareLinkOf(link: MailLink | undefined): Html[] {
  if (!link) return []
  const quiet = `color:${light.quiet};font-size:12px`
  return [
    html`<p class="quiet" style="margin:16px 0 0;${quiet};line-height:1.4">${link.hint}<br><a class="quiet" href="${link.href}" style="${quiet};text-decoration:none;word-break:break-all">${link.href}</a></p>`,
  ]
}

function codeOf(code: MailCode | undefined): Html[] {
  if (!code) return []
  return [
    ...code.before.map(paragraph),
    html`<p style="margin:0 0 24px"><span class="code" style="display:inline-block;padding:8px 20px;background:${light.tint};border:1px solid ${light.line};border-radius:10px;${codeFont};font-size:28px;font-weight:600;letter-spacing:2px;white-space:nowrap">${code.digits}</span></p>`,
    ...code.after.map(paragraph),
  ]
}
