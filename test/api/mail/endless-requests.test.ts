import t from 'tap'
import { tokenIn } from '../../harness/app.ts'
import { capped } from '../../harness/capped.ts'

const DAY = 86_400_000

t.test('endless requests by a client', async t => {
  const world = await capped(t, { env: { LOG_LEVEL: 'silent' } })

  await t.test('during endless requests the owner always has a valid link', async t => {
    const { sentMails, advance, smtp, now, post, app, rows, idle } = world
    const owner = (await world.account()).email
    /**
     * Flows that the client requests in turn, and the response of the newest link while it is valid, without using it
     * up.
     */
    const targets = [
      {
        email: owner,
        asks: ['/password-reset/request'],
        check: (token: string) => post('/password-reset/check', { token }),
        good: 200,
      },
      {
        email: 'pending@example.org',
        asks: ['/register', '/confirm-email/resend'],
        check: (token: string) => post('/confirm-email', { token, password: 'short' }),
        good: 422,
      },
    ]
    const links = new Map<string, string>()
    const askAll = async (turn: number) => {
      for (const { email, asks } of targets) await post(asks[turn % asks.length] as string, { email })
      await idle()
    }
    const faults: string[] = []
    let read = smtp.mails.length
    advance(1)
    const begun = now()
    await askAll(0)
    for (let turn = 0; now() - begun < DAY; turn++) {
      await idle()
      for (const mail of smtp.mails.slice(read)) links.set(mail.to[0] as string, tokenIn(mail))
      read = smtp.mails.length
      // As soon as a request is served, the next one is queued.
      await askAll(turn)
      const due = (await app.database.outbox.nextDue()) as Date
      advance((due.getTime() - now()) / 1000)
      // The moment before the next email, when the newest link is oldest.
      for (const { email, check, good } of targets) {
        const { statusCode } = await check(links.get(email) as string)
        if (statusCode !== good) faults.push(`${email} after ${(now() - begun) / 60_000} min: ${statusCode}`)
      }
    }
    for (const { email } of targets) {
      const sent = (await sentMails(email)).map(at => at.getTime()).filter(at => at >= begun)
      if (sent.length < 72) faults.push(`${email}: ${sent.length} mails`)
      const crowded = sent.filter((at, index) => at - (sent[index - 3] ?? 0) < 3_600_000)
      if (crowded.length > 0) faults.push(`${email}: four mails in an hour`)
    }
    t.strictSame(faults, [])
    t.equal(await rows.client.outbox.count({ where: { state: 'dropped' } }), 0, 'nothing is dropped')
  })

  await t.test(
    'throw-away accounts that request an address and are deleted do not bypass its cap',
    async t => {
      const { post, rows, advance, sentMails, app } = world
      const victim = 'victim@example.org'
      const begun = world.smtp.mails.length
      const turnsBefore = await rows.client.mailTurn.count()
      for (let i = 0; i < 3; i++) {
        const { accessToken, password } = await world.account()
        const headers = { authorization: `Bearer ${accessToken}` }
        const payload = { currentPassword: password, newEmail: victim }
        const moved = await post('/email-change/request', payload, { headers })
        t.equal(moved.statusCode, 202)
        await sentMails(victim)
        t.equal(
          (
            await app.inject({
              method: 'DELETE',
              url: '/me',
              payload: { currentPassword: password },
              headers,
            })
          ).statusCode,
          204,
        )
        advance(1)
      }
      await rows.settled()
      const toVictim = () => world.smtp.mails.slice(begun).filter(({ to }) => to.includes(victim)).length
      t.equal(toVictim(), 1, 'one mail, although no row of the outbox is left')
      t.equal(await rows.client.outbox.count({ where: { recipient: victim } }), 0)
      t.equal(
        (await rows.client.mailTurn.count()) - turnsBefore,
        4,
        'the cap counts them: three registrations, one change of address',
      )
      t.notMatch(JSON.stringify(await rows.client.mailTurn.findMany()), /@|example/, 'and name nobody')
      const owner = await world.account()
      const headers = { authorization: `Bearer ${owner.accessToken}` }
      await post('/email-change/request', { currentPassword: owner.password, newEmail: victim }, { headers })
      advance(60)
      await sentMails(victim)
      t.equal(toVictim(), 2, 'an account that is kept waits a minute')
    },
  )
})
