/** Number of statements that a request sends to PostgreSQL before its response: each is a round trip. */
import { AsyncLocalStorage } from 'node:async_hooks'
import pg from 'pg'
import t from 'tap'
import { confirmedAccount, startApp } from '../../harness/app.ts'
import { providers } from '../../harness/database.ts'

const skip = providers.find(({ provider }) => provider === 'postgresql')?.skip ?? false

t.test('hot requests take few round trips to PostgreSQL', { skip }, async t => {
  const sent = new AsyncLocalStorage<string[]>()
  const { query } = pg.Client.prototype
  const spy = function (this: pg.Client, ...args: unknown[]) {
    const [asked] = args as [{ text: string } | string]
    sent.getStore()?.push(typeof asked === 'string' ? asked : asked.text)
    return (query as (...args: unknown[]) => unknown).apply(this, args)
  }
  Object.assign(pg.Client.prototype, { query: spy })
  t.teardown(() => Object.assign(pg.Client.prototype, { query }))

  const world = await startApp(t)
  const { email, password, accessToken } = await confirmedAccount(world)
  const roundTrips = async (status: number, url: string, payload?: object) => {
    const texts: string[] = []
    const response = await sent.run(texts, async () =>
      world.app.inject({
        method: payload ? 'POST' : 'GET',
        url,
        ...(payload && { payload }),
        headers: { authorization: `Bearer ${accessToken}` },
      }),
    )
    t.equal(response.statusCode, status, response.body)
    // Excludes the statements of the mail worker that the request wakes.
    const claim = texts.findIndex(text => text.startsWith('UPDATE outbox SET attempts'))
    return { count: claim < 0 ? texts.length : claim, texts, body: response.json() }
  }
  // The first query of a connection follows its settings.
  await Promise.all(Array.from({ length: 4 }, () => world.app.database.assertWritable()))

  const login = await roundTrips(200, '/login', { email, password })
  t.equal(login.count, 2, 'login: read the credentials, and open the session', { texts: login.texts })
  const refresh = await roundTrips(200, '/token/refresh', { refreshToken: login.body.refreshToken })
  t.equal(refresh.count, 1, 'refresh', { texts: refresh.texts })
  const me = await roundTrips(200, '/me')
  t.equal(me.count, 1, 'GET /me', { texts: me.texts })
  const register = await roundTrips(202, '/register', { email: 'new@example.org' })
  t.equal(register.count, 1, 'register: the registration and its mail', { texts: register.texts })
  const reset = await roundTrips(202, '/password-reset/request', { email })
  t.equal(reset.count, 1, 'reset request', { texts: reset.texts })
})
