import t from 'tap'
import { v7 as uuidv7 } from 'uuid'
import { tokenIn } from '../../harness/app.ts'
import { capped } from '../../harness/capped.ts'

t.test('a stubborn stranger', async t => {
  const world = await capped(t)

  for (const kind of ['reset_request', 'confirmation_resend'] as const) {
    await t.test(
      `over a day of a stubborn stranger the owner always has a link that works: ${kind}`,
      async t => {
        const { sentMails, advance, smtp, now, post, app, rows } = world
        let email = 'pending@example.org'
        if (kind === 'reset_request') email = (await world.account()).email
        else await post('/register', { email, password: 'correct horse battery staple' })
        await sentMails(email)
        const verify = kind === 'reset_request' ? app.tokens.reset.verify : app.tokens.confirm.verify
        const begun = now()
        const minutes = () => (now() - begun) / 60_000
        let read = smtp.mails.length
        let link = kind === 'reset_request' ? '' : tokenIn(smtp.mails.at(-1))
        let dead = 0
        // Often at first, where a burst could leave a gap.
        for (; minutes() < 1440; advance(minutes() < 32 ? 120 : 1200)) {
          await app.database.outbox.file({ kind, recipient: email, challengeId: uuidv7() }, new Date(now()))
          await sentMails(email, kind)
          if (smtp.mails.length > read) link = tokenIn(smtp.mails.at(-1))
          read = smtp.mails.length
          try {
            verify(link)
          } catch {
            dead++
          }
        }
        t.equal(dead, 0, 'a link was alive at every moment')
        const sent = (await sentMails(email, kind)).map(at => at.getTime())
        t.ok(sent.length >= 60, `${sent.length} mails in a day`)
        const crowded = sent.filter((at, index) => at - (sent[index - 3] ?? 0) < 3_600_000)
        t.strictSame(crowded, [], 'never four within an hour')
        t.equal(
          await rows.client.outbox.count({ where: { kind, state: 'dropped' } }),
          0,
          'nothing is dropped',
        )
      },
    )
  }

  await t.test(
    'throw-away accounts that ask to move to an address and go do not pass by its cap',
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
        'the turns stay: three registrations, one change of address',
      )
      t.notMatch(JSON.stringify(await rows.client.mailTurn.findMany()), /@|example/, 'and name nobody')
      const owner = await world.account()
      const headers = { authorization: `Bearer ${owner.accessToken}` }
      await post('/email-change/request', { currentPassword: owner.password, newEmail: victim }, { headers })
      advance(60)
      await sentMails(victim)
      t.equal(toVictim(), 2, 'who lives on waits a minute')
    },
  )
})
