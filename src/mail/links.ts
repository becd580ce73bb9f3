/**
 * Where the links in mails lead: to pages, built from configuration alone and never from a request
 * header, with the token in the fragment, which reaches no server log and no `Referer`.
 */

/** The pages, below APP_URL. */
const PAGES = {
  confirmEmail: '/app/confirm-email',
  resetPassword: '/app/reset-password',
  forgotPassword: '/app/forgot-password',
  changeEmail: '/app/change-email',
  secure: '/app/secure',
} as const

/**
 * The address of a page.
 *
 * @param appUrl APP_URL
 * @param page which page
 * @param token goes into the fragment
 */
export function pageLink(appUrl: string, page: keyof typeof PAGES, token?: string): string {
  const fragment = token === undefined ? '' : `#token=${token}`
  return `${appUrl.replace(/\/+$/, '')}${PAGES[page]}${fragment}`
}
