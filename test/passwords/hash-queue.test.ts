import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { hashQueue } from '../../src/passwords/hash-queue.ts'
import { confirmedAccount, startApp } from '../harness/app.ts'
import { isProblemOf } from '../harness/problem.ts'

/** Jobs that end when told to, and what is known of them. */
function jobs() {
  const begun: number[] = []
  const end: (() => void)[] = []
  let atOnce = 0
  let most = 0
  const job = (id: number) => () => {
    begun.push(id)
    most = Math.max(most, ++atOnce)
    return new Promise<number>(resolve => {
      end.push(() => {
        atOnce--
        resolve(id)
      })
    })
  }
  return { begun, end, job, most: () => most }
}

t.test('no more jobs run at once than there are cores, and the others wait their turn', async t => {
  const { begun, end, job, most } = jobs()
  const queue = hashQueue(2, 10)
  const results = Promise.all(Array.from({ length: 20 }, (_, id) => queue.run('one', job(id))))
  await turn()
  t.strictSame(begun, [0, 1])
  t.strictSame(queue.load(), { running: 2, waiting: 18 })
  for (let next = 0; next < 20; next++) {
    end[next]?.()
    await turn()
  }
  t.strictSame(await results, [...Array(20).keys()], 'each caller gets its own result')
  t.strictSame(begun, [...Array(20).keys()], 'in the order of their coming')
  t.equal(most(), 2)
  t.strictSame(queue.load(), { running: 0, waiting: 0 })
})

t.test('the queue holds 4 for each core and second of patience, and sheds the rest at once', async t => {
  const { end, job, begun } = jobs()
  const queue = hashQueue(2, 3)
  const limit = 4 * 2 * 3
  const kept = Array.from({ length: 2 + limit }, (_, id) => queue.run('one', job(id)))
  const before = performance.now()
  const shed = await Promise.allSettled([queue.run('one', job(99)), queue.run('one', job(98))])
  t.ok(performance.now() - before < 100, 'without waiting')
  for (const outcome of shed) {
    t.match(outcome, { status: 'rejected', reason: { code: 'overloaded', statusCode: 503 } })
    const { retryAfter } = (outcome as PromiseRejectedResult).reason
    t.ok(Number.isInteger(retryAfter) && retryAfter >= 1 && retryAfter <= 3, 'a whole number of seconds', {
      retryAfter,
    })
  }
  t.strictSame(queue.load(), { running: 2, waiting: limit })
  for (let next = 0; next < kept.length; next++) {
    end[next]?.()
    await turn()
  }
  await Promise.all(kept)
  t.notOk(begun.includes(99) || begun.includes(98), 'what was shed never ran')
  t.equal(await queue.run('one', async () => 'free again'), 'free again')
})

t.test('a job whose patience is over is shed, gives its place in the queue back and never runs', async t => {
  const { begun, end, job } = jobs()
  const queue = hashQueue(1, 0.2)
  const running = queue.run('one', job(0))
  await t.rejects(queue.run('one', job(1)), { code: 'overloaded' })
  t.strictSame(queue.load(), { running: 1, waiting: 0 })
  const next = queue.run('one', job(2))
  end[0]?.()
  await running
  await turn()
  end[1]?.()
  t.equal(await next, 2, 'the one behind it runs')
  t.strictSame(begun, [0, 2])
  await delay(250)
  t.strictSame(queue.load(), { running: 0, waiting: 0 }, 'no timer is left that would count again')
})

t.test('the patience of a job that runs is over for good: it takes nobody else out of the queue', async t => {
  const { end, job } = jobs()
  const queue = hashQueue(1, 0.2)
  const running = [queue.run('one', job(0)), queue.run('one', job(1))]
  await delay(100)
  end[0]?.()
  await turn()
  const waiting = queue.run('one', job(2))
  await delay(150)
  t.strictSame(queue.load(), { running: 1, waiting: 1 }, 'job 1 has run past its patience')
  end[1]?.()
  await turn()
  end[2]?.()
  t.equal(await waiting, 2)
  t.strictSame(await Promise.all(running), [0, 1])
})

t.test('a job that fails frees its place, even one that throws at once', async t => {
  const queue = hashQueue(1, 10)
  const failing = [
    queue.run('one', () => Promise.reject(new Error('a'))),
    queue.run('one', () => {
      throw new Error('b')
    }),
    queue.run('one', async () => 'c'),
  ]
  const outcomes = await Promise.allSettled(failing)
  t.match(outcomes, [
    { status: 'rejected', reason: { message: 'a' } },
    { status: 'rejected', reason: { message: 'b' } },
    { status: 'fulfilled', value: 'c' },
  ])
  t.strictSame(queue.load(), { running: 0, waiting: 0 })
})

t.test(
  'more log ins than can be served: some are shed with 503, the others are right, and none is lost',
  async t => {
    const world = await startApp(t, {
      env: { ARGON2_MEMORY_KIB: '8192', ARGON2_TIME_COST: '2', HASH_PATIENCE: '1' },
    })
    const { app } = world
    const { email, password } = await confirmedAccount(world)
    const answers = await Promise.all(
      Array.from({ length: 60 }, () =>
        app.inject({ method: 'POST', url: '/login', payload: { email, password } }),
      ),
    )
    const shed = answers.filter(({ statusCode }) => statusCode === 503)
    t.ok(shed.length > 0, 'the flood was big enough')
    t.equal(answers.filter(({ statusCode }) => statusCode === 200).length, 60 - shed.length)
    for (const answer of shed.slice(0, 3)) {
      isProblemOf(t, answer, 'overloaded')
      t.match(answer.headers['retry-after'], /^1$/)
    }
    t.strictSame(app.passwords.load(), { running: 0, waiting: 0 })
    const after = await app.inject({ method: 'POST', url: '/login', payload: { email, password } })
    t.equal(after.statusCode, 200)
  },
)

t.test('clients take turns: who floods waits behind nobody but itself', async t => {
  const { begun, end, job } = jobs()
  const queue = hashQueue(1, 10)
  const all = Array.from({ length: 10 }, (_, id) => queue.run('flood', job(id)))
  all.push(queue.run('stranger', job(100)), queue.run('another', job(200)), queue.run('stranger', job(101)))
  for (let next = 0; next < all.length; next++) {
    await turn()
    end[next]?.()
  }
  await Promise.all(all)
  t.strictSame(begun.slice(0, 7), [0, 1, 100, 200, 2, 101, 3], 'one of each in turn')
  t.strictSame(begun.slice(7), [4, 5, 6, 7, 8, 9], 'and then what is left of the flood')
})

t.test(
  'a queue that one client has filled has room for another: the newest of the longest makes way',
  async t => {
    const { begun, end, job } = jobs()
    const queue = hashQueue(1, 1)
    const limit = 4
    const flood = Array.from({ length: 1 + limit }, (_, id) => queue.run('flood', job(id)))
    t.throws(() => queue.assertRoom('flood'), { code: 'overloaded' })
    t.doesNotThrow(() => queue.assertRoom('stranger'))
    const newest = t.rejects(flood[limit] as Promise<number>, { code: 'overloaded', retryAfter: 1 })
    const stranger = queue.run('stranger', job(100))
    await newest
    t.strictSame(queue.load(), { running: 1, waiting: limit })
    // Three of the flood wait, one of the stranger's; a second one would still leave its line the shorter.
    const second = queue.run('stranger', job(101))
    await t.rejects(flood[limit - 1] as Promise<number>, { code: 'overloaded' })
    t.throws(() => queue.assertRoom('stranger'), { code: 'overloaded' }, 'a third would make it the longest')
    t.throws(() => queue.assertRoom('flood'), { code: 'overloaded' }, 'and nobody makes way for the flood')
    t.doesNotThrow(() => queue.assertRoom('somebody else'))
    for (let next = 0; next < 5; next++) {
      await turn()
      end[next]?.()
    }
    t.strictSame(await Promise.all([stranger, second]), [100, 101])
    t.strictSame(begun, [0, 1, 100, 2, 101], 'what was shed never ran')
  },
)

t.test('where everybody waits with one job, nobody makes way', async t => {
  const { end, job } = jobs()
  const queue = hashQueue(1, 1)
  const all = Array.from({ length: 5 }, (_, id) => queue.run(`client ${id}`, job(id)))
  t.throws(() => queue.assertRoom('one more'), { code: 'overloaded' })
  await t.rejects(queue.run('one more', job(99)), { code: 'overloaded' })
  for (let next = 0; next < 5; next++) {
    end[next]?.()
    await turn()
  }
  t.strictSame(await Promise.all(all), [0, 1, 2, 3, 4])
})

t.test('a job whose client is gone leaves the queue, and one that runs goes on', async t => {
  const { begun, end, job } = jobs()
  const queue = hashQueue(1, 10)
  const [first, second] = [new AbortController(), new AbortController()]
  const running = queue.run('one', job(0), first.signal)
  const waiting = queue.run('one', job(1), second.signal)
  const next = queue.run('one', job(2))
  first.abort()
  second.abort()
  await t.rejects(waiting, { code: 'overloaded', detail: 'The client is gone.' })
  t.strictSame(queue.load(), { running: 1, waiting: 1 })
  await t.rejects(queue.run('one', job(3), second.signal), { code: 'overloaded' }, 'one that was gone before')
  end[0]?.()
  t.equal(await running, 0)
  await turn()
  end[1]?.()
  t.equal(await next, 2)
  t.strictSame(begun, [0, 2])
  t.strictSame(queue.load(), { running: 0, waiting: 0 })
})
