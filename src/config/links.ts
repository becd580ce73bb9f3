// Links come from configuration, never from a request header. The token is in the fragment, which reaches no
// server log and no `Referer`.
import type { Config } from './environment.ts'

/** Path of each page, and the variable that replaces it with another front end. */
const PAGES = {
  confirmEmail: ['/app/confirm-email', 'CONFIRM_EMAIL_URL'],
  acceptInvitation: ['/app/accept-invitation', 'ACCEPT_INVITATION_URL'],
  resetPassword: ['/app/reset-password', 'RESET_PASSWORD_URL'],
  forgotPassword: ['/app/forgot-password', 'FORGOT_PASSWORD_URL'],
  changeEmail: ['/app/change-email', 'CHANGE_EMAIL_URL'],
  secure: ['/app/secure', 'SECURE_ACCOUNT_URL'],
  account: ['/app/account', 'CHANGE_PASSWORD_URL'],
} as const satisfies Record<string, readonly [path: string, override: keyof Config]>

/** The variables that set the target of a link. */
export const LINK_VARIABLES = Object.values(PAGES).map(([, variable]) => variable)

/** Returns the URL of a page, with the token in its fragment. */
export function pageLink(config: Config, page: keyof typeof PAGES, token?: string): string {
  const [path, override] = PAGES[page]
  const target = config[override] ?? `${config.APP_URL.replace(/\/+$/, '')}${path}`
  return token === undefined ? target : `${target}#token=${token}`
}
