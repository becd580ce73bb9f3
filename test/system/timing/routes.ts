/** The endpoints that take an address. */
import { PASSWORD } from './people.ts'

export interface Route {
  path: string
  /** What is asked. */
  body(email: string): object
  /** The status, equal for every address. */
  status: number
  /** Emails that each request queues. */
  mails: number
  /** Whether a session is required. */
  bearer?: true
}

export const ROUTES: Route[] = [
  {
    path: '/register',
    body: email => ({ email, password: 'another password altogether' }),
    status: 202,
    mails: 1,
  },
  { path: '/confirm-email/resend', body: email => ({ email }), status: 202, mails: 1 },
  { path: '/password-reset/request', body: email => ({ email }), status: 202, mails: 1 },
  { path: '/login', body: email => ({ email, password: 'not the password of it' }), status: 401, mails: 0 },
  {
    path: '/email-change/request',
    body: email => ({ newEmail: email, currentPassword: PASSWORD }),
    status: 202,
    mails: 2,
    bearer: true,
  },
]
