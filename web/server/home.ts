import { html } from '../../src/shared/html.ts'
import { linkTo, type Page, type PageContext } from './layout.ts'
import { heading, paragraph } from './parts.ts'

/** /app: an overview of the pages. */
export function home(context: PageContext): Page {
  const { words, service } = context
  const { home: text } = words
  const cards: [page: string, title: string, text: string, signed: string][] = [
    ['/login', words.logIn, text.logInText, 'out'],
    ['/register', words.register, text.registerText, 'out'],
    ['/account', words.account, text.accountText, 'in'],
    ['/forgot-password', text.forgotTitle, text.forgotText, 'out'],
  ]
  return {
    name: 'home',
    title: text.title(service),
    script: 'home',
    body: html`${heading(text.title(service))}
${paragraph(text.lead, 'lead')}
<ul class="cards">
${cards.map(
  ([page, title, about, signed]) =>
    html`<li data-signed="${signed}"${signed === 'in' ? html` hidden` : html``}><h2>${linkTo(context, page, title)}</h2>${paragraph(about)}</li>`,
)}
</ul>`,
  }
}
