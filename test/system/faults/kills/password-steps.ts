/** The two ways to set a new password. */
import { type Account, actions, ensure, type Session, type Step, SUBJECTS, type World } from './lifecycle.ts'

/** Fifteen an hour are accepted per account. */
const MOST_CODES = 8

/** Both steps end with an account whose password is known again, whatever the outcome of the request. */
export function passwordSteps(world: World): { reset: Step; change: Step } {
  const { gateway, ledger, draw, name } = world
  const act = actions(world)
  const { ask, cut, expectMail, mailed, redeem, tokenIn, codeIn } = act
  const one = (account: Account) => draw.of(account.sessions as [Session, ...Session[]])

  function allEnded(account: Account, password: string): Account {
    const ended = [...account.sessions, ...account.ended].slice(0, 5)
    return { ...account, password, sessions: [], ended }
  }

  /** Checks that everything agrees on whether the new password was set. */
  async function lookAtPassword(account: Account, password: string) {
    const happened = await act.first({ ...account, password }, account)
    for (const session of account.sessions) {
      ensure((await act.isAlive(session)) !== happened, `${name}: sessions end with the password`, {
        happened,
      })
    }
    return happened
  }

  async function changed(account: Account, password: string, answer: unknown) {
    if (answer === undefined && !(await lookAtPassword(account, password))) return account
    if (answer !== undefined) expectMail(account.id, account.email, SUBJECTS.passwordChanged)
    return allEnded(account, password)
  }

  const reset: Step = async account => {
    const { email } = account
    const at = mailed(email, SUBJECTS.reset)
    if (!(await ask('ask for a reset', 202, 'POST', '/password-reset/request', { body: { email } }))) {
      cut('either')
      return account
    }
    expectMail(account.id, email, SUBJECTS.reset)
    const { password: newPassword } = act.fresh()
    const answer = await redeem(at, mail =>
      gateway.ask('POST', '/password-reset/confirm', { body: { token: tokenIn(mail), newPassword } }),
    )
    ensure(answer === undefined || answer.status === 204, `${name}: a reset`, answer)
    if (answer) ledger.acknowledged.reset++
    return changed(account, newPassword, answer)
  }

  const change: Step = async account => {
    if (account.codes >= MOST_CODES) return reset(account)
    const { email, password: currentPassword } = account
    const bearer = one(account).accessToken
    const at = mailed(email, SUBJECTS.code)
    const asked = await ask('ask for a change', 202, 'POST', '/password-change/request', {
      bearer,
      body: { currentPassword },
    })
    if (asked === undefined) {
      cut('either')
      return account
    }
    expectMail(account.id, email, SUBJECTS.code)
    const { password: newPassword } = act.fresh()
    const { changeToken } = asked.body
    const answer = await redeem(at, mail => {
      account.codes++
      const body = { changeToken, code: codeIn(mail), newPassword }
      return gateway.ask('POST', '/password-change/confirm', { bearer, body })
    })
    ensure(answer === undefined || answer.status === 204, `${name}: a change`, answer)
    if (answer) ledger.acknowledged.change++
    return changed(account, newPassword, answer)
  }

  return { reset, change }
}
