/** Contents of the access log of the shipped nginx. */
import t from 'tap'
import { startApp, tokenIn } from '../../harness/app.ts'
import { freePort } from '../../harness/free-port.ts'
import { noNginx } from '../../harness/nginx.ts'
import { until } from '../../harness/until.ts'
import { startBalancer } from '../cluster/balancer.ts'

t.test('no token of an emailed link is in the access log', { skip: noNginx }, async t => {
  const { app, smtp } = await startApp(t)
  const port = await freePort()
  await app.listen({ host: '127.0.0.1', port })
  const balancer = await startBalancer(t, [port])
  await app.inject({ method: 'POST', url: '/register', payload: { email: 'ada@example.org' } })
  const token = tokenIn((await smtp.waitForMails(1))[0])

  const page = '/app/confirm-email'
  const damaged = [
    '%23token=',
    '/%23token=',
    '%2523token=',
    '%2523token%253D',
    '&token=',
    '?token=',
    '/',
    '%23',
  ].map(damage => `${page}${damage}${token}`)
  const half = `${page}%23token=${token.slice(3)}`
  const whole = [
    page,
    '/app/login',
    '/token/refresh',
    '/health/live',
    '/sessions/01936f3e-0000-7000-8000-000000000000',
  ]
  const logged = async (asked: string[]) => {
    const before = balancer.log().length
    for (const path of asked) await fetch(`${balancer.url}${path}`, { redirect: 'manual' })
    await until('the log has every request', () => balancer.log().length >= before + asked.length)
    // A worker writes its line after the response, so lines of several workers come in any order.
    return balancer
      .log()
      .slice(before)
      .map(line => line.path)
  }
  for (const path of await logged([...damaged, half]))
    t.match(path, /^\/app\/.*\[cut\]$|^\/app\/confirm-email$/)
  t.strictSame((await logged(whole)).sort(), whole.sort(), 'other paths are complete')
  const log = JSON.stringify(balancer.log())
  for (const part of token.split('.')) t.notOk(log.includes(part.slice(4, 24)), 'no part of it')
})
