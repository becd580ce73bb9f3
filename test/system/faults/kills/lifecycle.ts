/**
 * A client of the service while it is killed again and again, one request after the other. Acknowledged changes must
 * last. A request without a response is examined as soon as possible: it was executed or it was not, and all queries
 * must agree on that.
 */
import { randomUUID } from 'node:crypto'
import { tokenIn } from '../../../harness/app.ts'
import type { Draw } from '../../../harness/draw.ts'
import { codeIn } from '../../../harness/mailbox.ts'
import type { ReceivedMail } from '../../../harness/smtp.ts'
import { claimsOf } from '../../../unit/tokens/forge.ts'
import type { Kind, Ledger, Mailboxes } from './ledger.ts'
import type { Answer, Call, Gateway } from './service.ts'

export interface Session {
  id: string
  accessToken: string
  refreshToken: string
}

/** An account as its owner knows it. */
export interface Account {
  id: string
  email: string
  /** The current email, earlier ones, and requested ones. */
  addresses: string[]
  password: string
  locale: string | null
  sessions: Session[]
  /** Ended sessions, of which some are tried again. */
  ended: Session[]
  /** Number of codes entered: fifteen an hour are accepted. */
  codes: number
}

/** An action; returns the account afterwards, or undefined if there is none. */
export type Step = (account: Account) => Promise<Account | undefined>

export interface World {
  gateway: Gateway
  mail: Mailboxes
  ledger: Ledger
  draw: Draw
  /** Unique among all clients. */
  name: string
  /** Number of addresses so far. */
  made: number
}

/** Distinguishes emails by subject. */
export const SUBJECTS = {
  confirm: /^(Confirm your email|You already have)/,
  reset: /^Reset your password/,
  code: /^Your code/,
  passwordChanged: /^Your password .* was changed/,
  newAddress: /^Confirm your new email/,
  addressAsked: /^A new email address was requested/,
  addressChanged: /^Your email address .* was changed/,
  farewell: /^Your account .* was deleted/,
}

/** A fault with its context. */
export function ensure(holds: boolean, what: string, details: unknown): asserts holds {
  if (!holds) throw new Error(`${what}: ${JSON.stringify(details)}`)
}

export const sessionOf = (answer: Answer): Session => ({
  id: claimsOf(answer.body.accessToken)['sid'] as string,
  accessToken: answer.body.accessToken,
  refreshToken: answer.body.refreshToken,
})

/** Context of every step. */
export function actions(world: World) {
  const { gateway, mail, ledger, name } = world

  /** Requests a change. Returns the response, or undefined without one. */
  async function ask(kind: Kind, status: number, method: string, path: string, call: Call) {
    const answer = await gateway.ask(method, path, call)
    if (answer === undefined) return undefined
    ensure(answer.status === status, `${kind} of ${name}`, answer)
    ledger.acknowledged[kind]++
    return answer
  }

  const logIn = (email: string, password: string) =>
    gateway.askUntilAnswered('POST', '/login', { body: { email, password } })

  return {
    ask,
    logIn,
    fresh: () => ({ email: `${name}-${++world.made}@example.org`, password: randomUUID() }),
    expectMail: (account: string, address: string, subject: RegExp) =>
      ledger.owed.push({ account, address, subject }),
    cut: (what: keyof Ledger['cut']) => void ledger.cut[what]++,

    /** Which of two ways to log in works; exactly one must. */
    async first(one: Pick<Account, 'email' | 'password'>, other: Pick<Account, 'email' | 'password'>) {
      const [a, b] = [await logIn(one.email, one.password), await logIn(other.email, other.password)]
      const statuses = [a.status, b.status].join()
      ensure(statuses === '200,401' || statuses === '401,200', `${name}: one of two logins`, [a, b])
      ledger.cut[a.status === 200 ? 'happened' : 'did not happen']++
      return a.status === 200
    },

    /** Whether a session is active; its access token and refresh token must agree. */
    async isAlive(session: Session) {
      const bearer = session.accessToken
      const { status } = await gateway.askUntilAnswered('GET', '/me', { bearer })
      ensure(status === 200 || status === 401, `${name}: a session is alive or not`, status)
      return status === 200
    },

    /**
     * Uses the first of the emails after the first `count` that belongs to the newest request: an email of an
     * interrupted request may arrive late.
     */
    async redeem(
      { count, address, subject }: { count: number; address: string; subject: RegExp },
      use: (mail: ReceivedMail) => Promise<Answer | undefined>,
    ): Promise<Answer | undefined> {
      for (let next = count; ; next++) {
        const answer = await use(await mail.after(next, address, subject))
        if (!['token_spent', 'code_invalid'].includes(answer?.body?.code)) return answer
      }
    },
    mailed: (address: string, subject: RegExp) => ({
      count: mail.to(address, subject).length,
      address,
      subject,
    }),
    tokenIn,
    codeIn,
  }
}
