import { type Account, actions, ensure, SUBJECTS, sessionOf, type World } from './lifecycle.ts'

/** Registers an address and confirms it. */
export async function begin(world: World): Promise<Account> {
  const { gateway, ledger } = world
  const { ask, cut, fresh, logIn, expectMail, mailed, tokenIn } = actions(world)
  const { email, password } = fresh()
  const at = mailed(email, SUBJECTS.confirm)
  while (!(await ask('register', 202, 'POST', '/register', { body: { email } }))) cut('either')
  const token = tokenIn(await world.mail.after(at.count, email, at.subject))
  const call = { body: { token, password } }
  let answer = await ask('confirm', 200, 'POST', '/confirm-email', call)
  if (answer === undefined) {
    answer = await gateway.askUntilAnswered('POST', '/confirm-email', call)
    if (answer.status === 200) {
      cut('did not happen')
      ledger.acknowledged.confirm++
    } else {
      cut('happened')
      ensure(answer.body.code === 'token_spent', `${email}: a second try to confirm`, answer)
      answer = await logIn(email, password)
      ensure(answer.status === 200, `${email}: confirmed without an answer`, answer)
    }
  }
  const session = sessionOf(answer)
  const me = await gateway.askUntilAnswered('GET', '/me', { bearer: session.accessToken })
  ensure(me.status === 200 && me.body.email === email, `${email}: who is it?`, me)
  const { id, locale } = me.body
  expectMail(id, email, SUBJECTS.confirm)
  return { id, email, password, locale, addresses: [email], sessions: [session], ended: [], codes: 0 }
}
