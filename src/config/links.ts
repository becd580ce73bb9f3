/**
 * Where the links in mails lead: to pages, built from configuration alone and never from a request
 * header, with the token in the fragment, which reaches no server log and no `Referer`.
 */
import type { Config } from './config.ts'

/** Each page below APP_URL, and the variable that puts another front end in its place. */
const PAGES = {
  confirmEmail: ['/app/confirm-email', 'CONFIRM_EMAIL_URL'],
  resetPassword: ['/app/reset-password', 'RESET_PASSWORD_URL'],
  forgotPassword: ['/app/forgot-password', 'FORGOT_PASSWORD_URL'],
  changeEmail: ['/app/change-email', 'CHANGE_EMAIL_URL'],
  secure: ['/app/secure', 'SECURE_ACCOUNT_URL'],
  account: ['/app/account', 'CHANGE_PASSWORD_URL'],
} as const satisfies Record<string, readonly [path: string, override: keyof Config]>

/**
 * The address of a page.
 *
 * @param config for APP_URL and what overrides it
 * @param page which page
 * @param token goes into the fragment
 */
export function pageLink(config: Config, page: keyof typeof PAGES, token?: string): string {
  const [path, override] = PAGES[page]
  const target = config[override] ?? `${config.APP_URL.replace(/\/+$/, '')}${path}`
  return token === undefined ? target : `${target}#token=${token}`
}
