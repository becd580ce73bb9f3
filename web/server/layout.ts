import type { PageWords } from '../../src/messages/en/pages.ts'
import { type Html, html } from '../../src/shared/html.ts'
import { LANGUAGE_NAMES } from './languages.ts'

/** Input of every page. */
export interface PageContext {
  /** BCP 47 tag. */
  language: string
  words: PageWords
  service: string
  /** Minimum length of a new password, in code points. */
  minLength: number
  /** Whether an address must be confirmed before an account exists. */
  confirmsAddresses: boolean
  /**
   * Relative path from the page to the service's root, such as `../`: all links are relative, so that the pages work
   * below any path of a proxy.
   */
  root: string
  /** Relative path from the root to the files of the pages. */
  assets: string
  /** Files that a module of the pages imports, including itself; the browser fetches them in parallel. */
  modules: (entry: string) => string[]
}

/** The parts of one page. */
export interface Page {
  /** Names the page for scripts and tests: `<main data-page="…">`. */
  name: string
  title: string
  /** The module of the page; undefined for a static page. */
  script?: string
  body: Html
}

/** A link to another page. */
export function linkTo(context: PageContext, page: string, label: string, kind = ''): Html {
  return html`<a href="${context.root}app${page}"${classOf(kind)}>${label}</a>`
}

/**
 * Renders a page: header, one column, footer. No inline script, no inline style.
 *
 * @returns the whole document
 */
export function layout(context: PageContext, page: Page): string {
  const { words, service, language, root } = context
  const assets = `${root}${context.assets}`
  const modules = page.script === undefined ? [] : context.modules(page.script)
  const title = page.name === 'home' ? page.title : `${page.title} · ${service}`
  const inNavigation = (name: string, label: string) =>
    html`<a href="${root}app/${name}"${page.name === name ? html` aria-current="page"` : html``}>${label}</a>`
  return html`<!doctype html>
<html lang="${language}" data-service="${service}" data-min-length="${String(context.minLength)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="format-detection" content="telephone=no">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" href="${assets}/mark.svg" type="image/svg+xml">
<link rel="stylesheet" href="${assets}/style.css">
${[
  ...modules.map(file => html`<link rel="modulepreload" href="${assets}/${file}">`),
  ...(page.script === undefined
    ? []
    : [html`<script type="module" src="${assets}/${page.script}.js"></script>`]),
]}
</head>
<body>
<a class="skip" href="#main">${words.skip}</a>
<header class="top">
<a class="brand" href="${root}app"><img src="${assets}/mark.svg" alt="" width="32" height="32"><span>${service}</span></a>
<nav aria-label="${words.navigation}">
<span data-signed="out">${inNavigation('login', words.logIn)} ${inNavigation('register', words.register)}</span>
<span data-signed="in" hidden>${inNavigation('account', words.account)}</span>
</nav>
</header>
<main id="main" tabindex="-1" data-page="${page.name}">
${page.script === undefined ? [] : [html`<noscript><div class="notice warning"><p><strong>${words.needsScript}</strong></p><p>${words.noScriptHelp}</p></div></noscript>`]}
${page.script === undefined ? [] : [html`<p class="notice warning unready" data-unready>${words.notWhole}</p>`]}
<p class="notice warning" role="status" data-refused hidden></p>
<p class="notice" role="status" data-notice hidden></p>
${page.body}
</main>
<footer class="bottom">
<nav aria-label="${words.language}">
<ul>
${LANGUAGE_NAMES.map(
  ([tag, name]) =>
    html`<li><a href="?lang=${tag}" lang="${tag}" hreflang="${tag}"${tag === language ? html` aria-current="true"` : html``}>${name}</a></li>`,
)}
</ul>
</nav>
</footer>
</body>
</html>
`.markup
}

/** A class attribute, or nothing. */
function classOf(kind: string): Html {
  return kind === '' ? html`` : html` class="${kind}"`
}
