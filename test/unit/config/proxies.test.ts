import Fastify from 'fastify'
import t from 'tap'
import { proxyProblem, trustOf } from '../../../src/config/proxies.ts'

t.test('a peer is trusted if TRUST_PROXY names its address, in any form', async t => {
  const cases: [trusted: string | undefined, trustedPeers: string[], others: (string | undefined)[]][] = [
    [undefined, [], ['127.0.0.1', '10.0.0.1', undefined]],
    ['10.0.0.1', ['10.0.0.1', '::ffff:10.0.0.1'], ['10.0.0.2', '::1', '', undefined, 'nonsense']],
    ['10.0.0.0/8, ::1', ['10.255.0.9', '::ffff:10.1.2.3', '::1'], ['11.0.0.1', '::2']],
    ['172.16.0.0/255.240.0.0', ['172.31.0.1'], ['172.32.0.1']],
    ['fd00::/8', ['fd12::1'], ['fe80::1', '253.0.0.1']],
    ['loopback', ['127.0.0.1', '127.9.9.9', '::1'], ['128.0.0.1']],
    ['linklocal', ['169.254.1.1', 'fe80::1', 'fe80::1%eth0'], ['169.253.1.1']],
    ['uniquelocal', ['10.0.0.1', '172.16.0.1', '192.168.1.1', 'fc00::1'], ['172.15.0.1', '192.169.0.1']],
  ]
  const faults = cases.flatMap(([trusted, peers, others]) => {
    const isTrusted = trustOf(trusted)
    return [
      ...peers.filter(peer => !isTrusted(peer)).map(peer => `${trusted}: ${peer} is refused`),
      ...others.filter(peer => isTrusted(peer)).map(peer => `${trusted}: ${peer} is trusted`),
    ]
  })
  t.strictSame(faults, [])
})

t.test('TRUST_PROXY accepts the values that Fastify accepts', async t => {
  const ranges = [
    '10.0.0.0/8',
    '10.0.0.0/255.0.0.0',
    'fd00::/8',
    'loopback',
    '10.0.0.0/0',
    '::/0',
    '10.0.0.0/33',
  ]
  for (const range of [...ranges, '::/129', '10.0.0.0/8/8', '10.0.0.0/1.2', '::1/255.0.0.0', 'toString']) {
    let takes = true
    try {
      Fastify({ trustProxy: range })
    } catch {
      takes = false
    }
    t.equal(proxyProblem(range) === undefined, takes, range)
  }
})
