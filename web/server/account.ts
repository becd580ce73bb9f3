import { html } from '../../src/shared/html.ts'
import {
  accountDetails,
  dangerZone,
  deviceList,
  history,
  mailLanguage,
  passwordAndAddress,
} from './account-parts.ts'
import type { Page, PageContext } from './layout.ts'
import { button, heading, view } from './parts.ts'

/** /app/account: served empty; its script fetches the account. */
export function account(context: PageContext): Page {
  const { words } = context
  const { me: text } = words
  return {
    name: 'account',
    title: text.title,
    script: 'account',
    body: html`<div class="title-row">${heading(text.title)}
${button('log-out', words.logOut)}</div>
${[
  view(
    'loading',
    text.title,
    html`<div class="card"><p class="progress" role="status">${text.loading}</p></div>`,
    true,
  ),
  view(
    'failed',
    text.failedTitle,
    html`<div class="card"><p class="error" role="alert" data-failure></p>
<div class="actions">${button('load-again', text.retry, 'primary')}</div></div>`,
  ),
  view(
    'account',
    text.title,
    html`${[accountDetails, passwordAndAddress, deviceList, mailLanguage, history, dangerZone].map(part => part(context))}`,
  ),
]}`,
  }
}
