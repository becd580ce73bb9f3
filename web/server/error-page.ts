import { duration } from '../../src/messages/duration.ts'
import { html } from '../../src/shared/html.ts'
import { linkTo, type Page, type PageContext } from './layout.ts'
import { heading, paragraph } from './parts.ts'

/** What somebody sees who asked for a page and did not get it. */
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

/** Whole minutes where it is long: never less than it is. */
function atLeast(seconds: number): number {
  return seconds < 60 ? seconds : Math.ceil(seconds / 60) * 60
}
