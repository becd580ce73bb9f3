import t from 'tap'
import { confirmedAccount, startApp } from '../../harness/app.ts'
import { capped } from '../../harness/capped.ts'
import { visible } from '../../harness/visible.ts'

t.test('mails are capped by recipient and purpose', async t => {
  const world = await capped(t)

  await t.test(
    'confirmations: registering and resending share the cap, and the response does not reveal it',
    async t => {
      const { post, sentMails, advance } = world
      const email = 'ada@example.org'
      const other = 'bob@example.org'
      const answers = new Set<string>()
      const ask = async (address = email) => {
        const answer = await post('/confirm-email/resend', { email: address })
        const { status, body } = visible(answer)
        answers.add(`${status} ${body} ${Object.keys(answer.headers)}`)
        return (await sentMails(address)).length
      }
      for (const address of [email, other]) {
        await post('/register', { email: address, password: 'correct horse battery staple' })
        t.equal((await sentMails(address)).length, 1)
      }
      t.equal(await ask(), 1, 'the second waits')
      advance(59)
      t.equal(await ask(), 1, 'and so does one after 59 seconds')
      advance(1)
      t.equal(await ask(), 2, 'a minute after the last one, one email serves the queued requests')
      t.equal(await ask(other), 2, 'another recipient is not affected')
      advance(1769)
      t.equal(await ask(), 2)
      advance(1)
      t.equal(await ask(), 3)
      advance(1769)
      t.equal(await ask(), 3, 'three an hour')
      advance(1)
      t.equal(await ask(), 4, 'an hour after the first, one more is sent')
      t.equal(answers.size, 1, 'every response was the same', { answers: [...answers] })
    },
  )

  await t.test('the notice of a changed password is never delayed', async t => {
    const { email } = await world.account()
    for (let i = 0; i < 6; i++) {
      await world.app.database.outbox.enqueue(
        { kind: 'password_changed', recipient: email },
        world.app.clock(),
      )
    }
    t.equal((await world.sentMails(email, 'password_changed')).length, 6)
  })

  await t.test('each kind of email has a cap of its own', async t => {
    const { email } = await world.account()
    world.advance(60)
    await world.post('/confirm-email/resend', { email })
    await world.post('/password-reset/request', { email })
    t.equal((await world.sentMails(email, 'confirmation_resend')).length, 1)
    t.equal((await world.sentMails(email, 'reset_request')).length, 1)
  })

  await t.test('an email that many accounts request waits a day at most', async t => {
    const { app, rows, idle } = world
    const recipient = 'wanted@example.org'
    /** Each row is of another account, so that none serves another. */
    const states = async (ages: number[]) => {
      for (const [index, age] of ages.entries()) {
        const mail = { kind: 'email_change' as const, recipient, userId: `account-${age}-${index}` }
        await app.database.outbox.enqueue(mail, new Date(world.now() - age))
      }
      await idle()
      const all = await rows.client.outbox.findMany({ where: { recipient }, orderBy: { createdAt: 'asc' } })
      return all.map(({ state, lastError }) => [state, lastError])
    }
    t.strictSame(await states([0]), [['dropped', null]], 'takes the turn, for an account that is gone')
    t.strictSame(await states([86_400_001, 86_400_000]), [
      ['dropped', 'waited more than a day for its turn'],
      ['queued', null],
      ['dropped', null],
    ])
  })
})

t.test('RATE_LIMIT=off delays no email', async t => {
  const world = await startApp(t)
  const { email } = await confirmedAccount(world)
  for (let i = 0; i < 6; i++) {
    await world.app.inject({ method: 'POST', url: '/password-reset/request', payload: { email } })
  }
  await world.smtp.waitForMails(7)
})
