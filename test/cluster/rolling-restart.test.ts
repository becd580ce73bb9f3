import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { noCluster, startCluster } from './cluster.ts'
import { failed, startLoad } from './load.ts'
import { newAccount, newPerson } from './person.ts'

const PEOPLE = 12

t.test('all instances are restarted under load, and no request fails', { skip: noCluster }, async t => {
  const cluster = await startCluster(t, { env: { RATE_LIMIT: 'off' } })
  const { instances, balancer, rows } = cluster
  const helper = newPerson(t, cluster)
  const accounts = await Promise.all(
    Array.from({ length: PEOPLE }, (_, index) => newAccount(helper, cluster, `person-${index}@example.org`)),
  )
  const load = startLoad(t, cluster, accounts)
  const { outcomes } = load.books
  const served = (address: string, since: number) =>
    outcomes.some(({ at, answer }) => at > since && answer.upstream.at(-1) === address)

  for (const instance of instances) {
    const { address, service } = instance
    const began = performance.now()
    while (!served(address, began)) await delay(20)
    t.equal(await service.end('SIGTERM'), 0, `${address} ended well`)
    await instance.replace()
    const back = performance.now()
    // The next one goes only when this one has its share again, as a deployment would wait for it.
    while (!served(address, back) && performance.now() - back < 20_000) await delay(20)
    t.ok(served(address, back), 'and serves again')
  }
  const books = await load.stop()

  t.strictSame(
    books.outcomes.filter(failed).map(({ method, path, answer }) => ({ method, path, answer })),
    [],
    'no request failed',
  )
  t.comment(
    `${books.outcomes.length} requests, ${
      books.outcomes.filter(({ answer }) => answer.upstream.length > 1).length
    } of them went to a second instance`,
  )
  t.ok(books.outcomes.filter(({ method }) => method === 'POST').every(({ answer }) => answer.status < 500))
  t.ok(
    balancer.log().every(({ status }) => status < 500),
    'nor did a probe or anything else',
  )
  await rows.settled()
  t.equal(await rows.client.outbox.count({ where: { state: { not: 'sent' } } }), 0, 'and every mail was sent')
})
