/** POST /introspect: an access token is active exactly while its session and its account are. */
import t from 'tap'
import { confirmedAccount, resetToken, startApp, testClock } from '../../harness/app.ts'
import { startOperators } from '../../harness/operators.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { openRows } from '../../harness/rows.ts'

const bearer = (accessToken: string) => ({ authorization: `Bearer ${accessToken}` })

t.test('a token is inactive right after whatever ends it, and says nothing then', async t => {
  const time = testClock()
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const rows = await openRows(t, service.databaseUrl)
  const { app, ask, keyWith } = await startOperators(t, service)
  const key = await keyWith('tokens:introspect')
  const form = (payload: string, type = 'application/x-www-form-urlencoded') =>
    app.inject({
      method: 'POST',
      url: '/introspect',
      headers: { ...bearer(key), 'content-type': type },
      payload,
    })
  const introspect = (token: string) => form(new URLSearchParams({ token }).toString())
  const person = async (email: string) => {
    const account = await confirmedAccount(service, email)
    const { id } = await rows.client.user.findUniqueOrThrow({ where: { email } })
    return { ...account, id }
  }
  const ada = await person('ada@example.org')
  const active = (await introspect(ada.accessToken)).json()
  t.match(active, { active: true, token_type: 'Bearer', sub: ada.id, sid: String, iss: String })
  t.equal(active.exp - active.iat, 900)
  await ask('PUT', `/users/${ada.id}/claims`, { roles: ['editor'], claims: { plan: 'pro' } })
  const now = (await introspect(ada.accessToken)).json()
  t.match(now, { roles: ['editor'], 'urn:latchkey:claims': { plan: 'pro' } }, 'at once')

  const ends: Record<string, (who: typeof ada) => PromiseLike<unknown>> = {
    'a logout': who =>
      service.app.inject({ method: 'POST', url: '/logout', headers: bearer(who.accessToken) }),
    'a reset': async who => {
      const token = await resetToken(service, who.email)
      const payload = { token, newPassword: 'a staple of correct batteries' }
      return service.app.inject({ method: 'POST', url: '/password-reset/confirm', payload })
    },
    disabling: who => ask('POST', `/users/${who.id}/disable`),
    'a required reset': who => ask('POST', `/users/${who.id}/require-reset`),
    'the end of sessions': who => ask('DELETE', `/users/${who.id}/sessions`),
    deletion: who => ask('DELETE', `/users/${who.id}`),
    expiry: async () => time.advance(900),
  }
  for (const [what, end] of Object.entries(ends)) {
    const who = await person(`${what.replaceAll(' ', '-')}@example.org`)
    t.equal((await introspect(who.accessToken)).json().active, true, `before ${what}`)
    await end(who)
    t.equal((await introspect(who.accessToken)).body, '{"active":false}', `after ${what}`)
  }
  for (const token of ['x', 'x.y.z', ada.refreshToken, key, `${ada.accessToken}x`, ' ']) {
    const response = await introspect(token)
    t.equal(response.statusCode, 200)
    t.equal(response.body, '{"active":false}', token.slice(0, 8))
  }

  isProblemOf(t, await form(''), 'validation_failed', 'nothing')
  isProblemOf(t, await form('token=a&token=b'), 'validation_failed', 'two tokens')
  const far = `token=a${'&'.repeat(2000)}token=b`
  isProblemOf(t, await form(far), 'validation_failed', 'two tokens that are far apart')
  isProblemOf(t, await form('token=a&more=b'), 'validation_failed')
  const json = await form(JSON.stringify({ token: 'x' }), 'application/json')
  isProblemOf(t, json, 'unsupported_media_type')
  t.equal(json.headers['accept'], 'application/x-www-form-urlencoded')
  const hinted = await form(`token=${ada.accessToken}&token_type_hint=access_token`)
  t.equal(hinted.statusCode, 200)
})
