import t from 'tap'
import { until } from '../../harness/until.ts'
import { noCluster, startCluster } from './cluster.ts'
import { failed, newAccounts, PEOPLE, served, startLoad } from './load.ts'

t.test('all instances are restarted under load, and no request fails', { skip: noCluster }, async t => {
  const cluster = await startCluster(t, { env: { RATE_LIMIT: 'off' } })
  const accounts = await newAccounts(t, cluster, PEOPLE, 'person')
  const { instances, balancer, rows } = cluster
  const before = balancer.log().length
  const load = startLoad(t, cluster, accounts)
  const { outcomes } = load.ledger

  for (const instance of instances) {
    await served(outcomes, instance, performance.now())
    t.equal(await instance.service.end('SIGTERM'), 0, `${instance.address} ended well`)
    await instance.replace()
    // The next instance restarts when this one gets its share of requests again, as a deployment waits for readiness.
    await served(outcomes, instance, performance.now())
  }
  const ledger = await load.stop()

  t.strictSame(ledger.outcomes.filter(failed), [], 'no request failed')
  const again = ledger.outcomes.filter(({ answer }) => answer.upstream.length > 1)
  t.comment(`${ledger.outcomes.length} requests, ${again.length} of them went to a second instance`)
  const answers = () => balancer.log().slice(before)
  await until('the log has every request', () => answers().length >= ledger.outcomes.length)
  t.ok(answers().every(({ status }) => status < 500))
  await rows.settled()
  t.equal(await rows.client.outbox.count({ where: { state: { not: 'sent' } } }), 0, 'and every mail was sent')
})
