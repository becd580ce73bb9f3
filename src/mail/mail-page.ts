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

const font = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
const codeFont = 'font-family:ui-monospace,Menlo,Consolas,monospace'

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
:root { color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  .page { background: #0d1117 !important; }
  .card { background: #161b22 !important; color: #e6edf3 !important; border-color: #30363d !important; }
  .code { background: #0d1117 !important; border-color: #30363d !important; }
  .quiet { color: #9da7b3 !important; }
  .link { color: #79b8ff !important; }
}
</style>
</head>
<body class="page" style="margin:0;padding:0;background:#f6f8fa">
<div class="page" style="padding:24px 12px;background:#f6f8fa">
<div class="card" style="max-width:560px;margin:0 auto;padding:24px;background:#ffffff;color:#1f2328;border:1px solid #d0d7de;border-radius:8px;${font};font-size:16px;line-height:1.5">
<p class="quiet" style="margin:0 0 16px;color:#57606a">${page.service}</p>
<h1 style="margin:0 0 16px;font-size:20px;line-height:1.3">${page.title}</h1>
${[...page.before.map(paragraph), ...buttonOf(page.link), ...codeOf(page.code), ...page.after.map(paragraph)]}
<div style="font-size:14px">
${[...bareLinkOf(page.link), ...page.footer.map(small)]}
</div>
</div>
</div>
</body>
</html>
`.markup
}

const paragraph = (text: string) => html`<p style="margin:0 0 16px">${text}</p>`

const small = (text: string) => html`<p class="quiet" style="margin:0 0 8px;color:#57606a">${text}</p>`

function buttonOf(link: MailLink | undefined): Html[] {
  if (!link) return []
  return [
    html`<p style="margin:0 0 24px"><a href="${link.href}" style="display:inline-block;padding:12px 20px;background:#0550ae;color:#ffffff;border-radius:6px;text-decoration:none;font-weight:600">${link.button}</a></p>`,
  ]
}

function bareLinkOf(link: MailLink | undefined): Html[] {
  if (!link) return []
  return [
    html`<p class="quiet" style="margin:0 0 8px;color:#57606a">${link.hint}<br><a class="link" href="${link.href}" style="color:#0550ae;word-break:break-all">${link.href}</a></p>`,
  ]
}

function codeOf(code: MailCode | undefined): Html[] {
  if (!code) return []
  return [
    ...code.before.map(paragraph),
    html`<p style="margin:0 0 24px"><span class="code" style="display:inline-block;padding:8px 20px;background:#f6f8fa;border:1px solid #d0d7de;border-radius:6px;${codeFont};font-size:28px;font-weight:600;letter-spacing:2px;white-space:nowrap">${code.digits}</span></p>`,
    ...code.after.map(paragraph),
  ]
}
