import { duration } from '../../src/messages/duration.ts'
import { html } from '../../src/shared/html.ts'
import { linkTo, type Page, type PageContext } from './layout.ts'
import { heading, paragraph } from './parts.ts'

/** Errors that a browser gets instead of a page. */
export function errorPage(context: PageContext, status: number, retryAfter: number | undefined): Page {
  const { words, language } = context
  const { error: text } = words
  const [title, lead] =
    status === 404
      ? [text.notFoundTitle, text.notFoundLead]
      : retryAfter !== undefined
        ? [text.waitTitle, text.waitLead(duration(atLeast(retryAfter), language))]
        : [text.failedTitle, text.failedLead]
  return {
    name: 'error',
    title,
    body: html`${heading(title)}
<div class="card">
${paragraph(lead, 'lead')}
<p class="actions">${linkTo(context, '', text.home, 'button primary')}</p>
</div>`,
  }
}

/** Rounded up to whole minutes if it is long. */
function atLeast(seconds: number): number {
  return seconds < 60 ? seconds : Math.ceil(seconds / 60) * 60
}
