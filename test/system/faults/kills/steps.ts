/** Steps of a client with an account. Each ends with an account whose state is known again. */
import {
  type Account,
  actions,
  ensure,
  type Session,
  type Step,
  SUBJECTS,
  sessionOf,
  type World,
} from './lifecycle.ts'
import { passwordSteps } from './password-steps.ts'

/**
 * Fewer than an account may have: one more would revoke the oldest. Sessions of logins without a response count too.
 */
const MOST_SESSIONS = 12
const DEVICES = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'curl/8.5.0',
] as const
/** All of them get English emails, which are distinguished by subject. */
const LOCALES = ['en', 'en-GB', 'pt', 'nl', null] as const

/** The steps of one account; each returns the account afterwards, or undefined if there is none. */
export function stepsOf(world: World) {
  const { gateway, ledger, draw, name } = world
  const act = actions(world)
  const { ask, cut, expectMail, tokenIn } = act
  const { reset, change } = passwordSteps(world)
  const one = (account: Account) => draw.of(account.sessions as [Session, ...Session[]])

  const logIn: Step = async account => {
    if (account.sessions.length >= MOST_SESSIONS) return logOut(account)
    const { email, password } = account
    const userAgent = draw.of(DEVICES)
    const answer = await ask('log in', 200, 'POST', '/login', { body: { email, password }, userAgent })
    if (answer) account.sessions.push(sessionOf(answer))
    else cut('either')
    return account
  }

  const logOut: Step = async account => {
    const session = one(account)
    const answer = await ask('log out', 204, 'POST', '/logout', { bearer: session.accessToken })
    const alive = answer === undefined && (await act.isAlive(session))
    if (answer === undefined) cut(alive ? 'did not happen' : 'happened')
    if (!alive) {
      account.sessions = account.sessions.filter(other => other !== session)
      account.ended.unshift(session)
    }
    return account
  }

  const refresh: Step = async account => {
    const session = one(account)
    const call = { body: { refreshToken: session.refreshToken } }
    let answer = await ask('refresh', 200, 'POST', '/token/refresh', call)
    if (answer === undefined) {
      cut('either')
      // Within the grace window the same token has the same successor, whether or not it was rotated.
      answer = await gateway.askUntilAnswered('POST', '/token/refresh', call)
      ensure(answer.status === 200, `${name}: a refresh whose answer was lost`, answer)
    }
    Object.assign(session, sessionOf(answer))
    return account
  }

  const locale: Step = async account => {
    const bearer = one(account).accessToken
    const wanted = draw.of(LOCALES)
    const answer = await ask('locale', 200, 'PATCH', '/me', { bearer, body: { locale: wanted } })
    const me = answer ?? (await gateway.askUntilAnswered('GET', '/me', { bearer }))
    ensure([account.locale, wanted].includes(me.body.locale), `${name}: one locale or the other`, me)
    if (answer === undefined) cut(me.body.locale === wanted ? 'happened' : 'did not happen')
    account.locale = me.body.locale
    return account
  }

  const address: Step = async account => {
    const { email, password } = account
    const bearer = one(account).accessToken
    const { email: newEmail } = act.fresh()
    account.addresses.push(newEmail)
    const body = { currentPassword: password, newEmail }
    if (!(await ask('ask for an address', 202, 'POST', '/email-change/request', { bearer, body }))) {
      cut('either')
      return account
    }
    expectMail(account.id, newEmail, SUBJECTS.newAddress)
    expectMail(account.id, email, SUBJECTS.addressAsked)
    const token = tokenIn(await world.mail.after(0, newEmail, SUBJECTS.newAddress))
    const moved = await ask('address', 204, 'POST', '/email-change/confirm', { body: { token, password } })
    const there = { ...account, email: newEmail }
    if (moved) expectMail(account.id, email, SUBJECTS.addressChanged)
    else if (!(await act.first(there, account))) return account
    for (const { accessToken } of there.sessions) {
      const me = await gateway.askUntilAnswered('GET', '/me', { bearer: accessToken })
      ensure(me.body.email === newEmail, `${name}: sessions go on with the new address`, me)
    }
    return there
  }

  const leave: Step = async account => {
    const { email, password: currentPassword } = account
    const session = one(account)
    const bearer = session.accessToken
    const answer = await ask('delete', 204, 'DELETE', '/me', { bearer, body: { currentPassword } })
    const deletedAddresses = answer !== undefined || !(await act.isAlive(session))
    if (answer === undefined) cut(deletedAddresses ? 'happened' : 'did not happen')
    const after = await act.logIn(email, currentPassword)
    ensure(after.status === (deletedAddresses ? 401 : 200), `${name}: an account is there or not`, {
      deletedAddresses,
      after,
    })
    if (!deletedAddresses) return account
    ledger.owed = ledger.owed.filter(owed => owed.account !== account.id)
    expectMail('', email, SUBJECTS.farewell)
    for (const address of account.addresses) ledger.deletedAddresses.add(address)
    return undefined
  }

  const steps: [Step, ...Step[]] = [
    ...[logIn, logIn, refresh, refresh, refresh, logOut, locale, reset, reset],
    ...[change, change, address, address, leave],
  ] as [Step, ...Step[]]

  return {
    /** Checks earlier acknowledged changes, and performs one more step. */
    async next(account: Account): Promise<Account | undefined> {
      const [session] = account.sessions
      if (session === undefined) return logIn(account)
      const me = await gateway.askUntilAnswered('GET', '/me', { bearer: session.accessToken })
      const { id, email, locale } = account
      ensure(
        me.status === 200 && me.body.id === id && me.body.email === email && me.body.locale === locale,
        `${name}: what was acknowledged`,
        { me, email, locale },
      )
      return draw.of(steps)(account)
    },

    /** Checks everything that was acknowledged, once more. */
    async audit(account: Account): Promise<void> {
      const { email, password } = account
      const entered = await act.logIn(email, password)
      ensure(entered.status === 200, `${name}: the password that was acknowledged`, entered)
      for (const session of account.sessions) {
        const { refreshToken } = session
        const next = await gateway.askUntilAnswered('POST', '/token/refresh', { body: { refreshToken } })
        ensure(next.status === 200, `${name}: a session that was acknowledged`, next)
      }
      for (const session of account.ended) {
        ensure(!(await act.isAlive(session)), `${name}: a session that was ended`, session)
      }
    },
  }
}
