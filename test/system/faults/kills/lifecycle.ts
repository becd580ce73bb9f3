/**
 * Somebody who uses the service while it is killed again and again, one request after the other. What is
 * acknowledged they rely on from then on. What had no answer they look into once they can: it has happened, or
 * it has not, and whatever they can ask must say the same of it.
 */
import { randomUUID } from 'node:crypto'
import { tokenIn } from '../../../harness/app.ts'
import type { Draw } from '../../../harness/draw.ts'
import { codeIn } from '../../../harness/mailbox.ts'
import type { ReceivedMail } from '../../../harness/smtp.ts'
import type { Kind, Ledger, Mailbag } from './ledger.ts'
import type { Answer, Call, Door } from './service.ts'

export interface Session {
  id: string
  accessToken: string
  refreshToken: string
}

/** An account as its owner knows it. */
export interface Account {
  id: string
  email: string
  /** The present one, those before it, and those it asked for. */
  addresses: string[]
  password: string
  locale: string | null
  sessions: Session[]
  /** Sessions that have ended, of which some are tried again. */
  ended: Session[]
  /** Codes that were entered: fifteen an hour are taken. */
  codes: number
}

/** One thing that is done; answers with the account that there is afterwards, or none. */
export type Step = (account: Account) => Promise<Account | undefined>

export interface World {
  door: Door
  mail: Mailbag
  ledger: Ledger
  draw: Draw
  /** Unique among all people. */
  name: string
  /** Addresses so far. */
  made: number
}

/** Mails, as their owners tell them apart. */
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

/** A fault, told with all that is known. */
export function demand(holds: boolean, what: string, details: unknown): asserts holds {
  if (!holds) throw new Error(`${what}: ${JSON.stringify(details)}`)
}

export const sessionOf = (answer: Answer): Session => ({
  id: JSON.parse(Buffer.from(answer.body.accessToken.split('.')[1], 'base64url').toString()).sid,
  accessToken: answer.body.accessToken,
  refreshToken: answer.body.refreshToken,
})

/** What every part of a life is made of. */
export function actions(world: World) {
  const { door, mail, ledger, name } = world

  /** Asks for a change: its answer where it was acknowledged, undefined where none came. */
  async function ask(kind: Kind, status: number, method: string, path: string, call: Call) {
    const answer = await door.ask(method, path, call)
    if (answer === undefined) return undefined
    demand(answer.status === status, `${kind} of ${name}`, answer)
    ledger.acknowledged[kind]++
    return answer
  }

  const logIn = (email: string, password: string) =>
    door.insist('POST', '/login', { body: { email, password } })

  return {
    ask,
    logIn,
    fresh: () => ({ email: `${name}-${++world.made}@example.org`, password: randomUUID() }),
    owe: (account: string, address: string, subject: RegExp) =>
      ledger.owed.push({ account, address, subject }),
    cut: (what: keyof Ledger['cut']) => void ledger.cut[what]++,

    /** Which of two ways to log in works; exactly one must. */
    async first(one: Pick<Account, 'email' | 'password'>, other: Pick<Account, 'email' | 'password'>) {
      const [a, b] = [await logIn(one.email, one.password), await logIn(other.email, other.password)]
      const statuses = [a.status, b.status].join()
      demand(statuses === '200,401' || statuses === '401,200', `${name}: one of two logins`, [a, b])
      ledger.cut[a.status === 200 ? 'happened' : 'did not happen']++
      return a.status === 200
    },

    /** Whether a session is alive, which its access token and its refresh token must agree on. */
    async isAlive(session: Session) {
      const bearer = session.accessToken
      const { status } = await door.insist('GET', '/me', { bearer })
      demand(status === 200 || status === 401, `${name}: a session is alive or not`, status)
      return status === 200
    },

    /**
     * Uses the first of the mails that come after `count` others that is for the newest request: one of
     * an earlier request that was cut off may come late.
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
