import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { type HashQueue, hashQueue } from '../../../src/passwords/hash-queue.ts'
import { confirmedAccount, startApp } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'

/** Takes a place and runs a job in it, at once or in its turn. */
async function runIn<T>(
  queue: HashQueue,
  client: string,
  job: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  return queue.reserve(client, signal).run(job)
}

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

t.test('runs at most one job per core', async t => {
  const { begun, end, job, most } = jobs()
  const queue = hashQueue(2, 10)
  const results = Promise.all(Array.from({ length: 20 }, (_, id) => runIn(queue, 'one', job(id))))
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

t.test('the queue holds 4 jobs per core and second of timeout, and sheds the rest at once', async t => {
  const { end, job, begun } = jobs()
  const queue = hashQueue(2, 3)
  const limit = 4 * 2 * 3
  const kept = Array.from({ length: 2 + limit }, (_, id) => runIn(queue, 'one', job(id)))
  const before = performance.now()
  const shed = await Promise.allSettled([runIn(queue, 'one', job(99)), runIn(queue, 'one', job(98))])
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
  t.equal(await runIn(queue, 'one', async () => 'free again'), 'free again')
})

t.test('a job whose patience is over is shed, gives its place in the queue back and never runs', async t => {
  const { begun, end, job } = jobs()
  const queue = hashQueue(1, 0.5)
  const called = [runIn(queue, 'one', job(0)), runIn(queue, 'one', job(1))]
  await t.rejects(runIn(queue, 'one', job(2)), { code: 'overloaded' })
  t.strictSame(queue.load(), { running: 1, waiting: 1 })
  const behind = runIn(queue, 'one', job(3))
  for (let next = 0; next < 3; next++) {
    end[next]?.()
    await turn()
  }
  t.strictSame(await Promise.all([...called, behind]), [0, 1, 3], 'the one behind it runs')
  t.strictSame(begun, [0, 1, 3])
  await delay(550)
  t.strictSame(queue.load(), { running: 0, waiting: 0 }, 'no timer is left that would count again')
})

t.test('whose turn has come need be patient no longer, and takes nobody else out of the queue', async t => {
  const { end, job } = jobs()
  const queue = hashQueue(1, 0.5)
  const all = [0, 1, 2].map(id => runIn(queue, 'one', job(id)))
  await delay(250)
  end[0]?.()
  await turn()
  all.push(runIn(queue, 'one', job(3)))
  await delay(400)
  t.strictSame(queue.load(), { running: 1, waiting: 2 }, 'job 2 is past its patience, and next')
  for (let next = 1; next < 4; next++) {
    end[next]?.()
    await turn()
  }
  t.strictSame(await Promise.all(all), [0, 1, 2, 3])
})

t.test('a job that fails frees its place, even one that throws at once', async t => {
  const queue = hashQueue(1, 10)
  const failing = [
    runIn(queue, 'one', () => Promise.reject(new Error('a'))),
    runIn(queue, 'one', () => {
      throw new Error('b')
    }),
    runIn(queue, 'one', async () => 'c'),
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
  'more logins than can be served: some are shed with 503, the others are right, and none is lost',
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
  const all = Array.from({ length: 10 }, (_, id) => runIn(queue, 'flood', job(id)))
  all.push(
    runIn(queue, 'stranger', job(100)),
    runIn(queue, 'another', job(200)),
    runIn(queue, 'stranger', job(101)),
  )
  for (let next = 0; next < all.length; next++) {
    await turn()
    end[next]?.()
  }
  await Promise.all(all)
  t.strictSame(begun.slice(0, 2), [0, 1], 'who came when nobody else waited')
  t.strictSame(begun.slice(2, 8), [2, 100, 200, 3, 101, 4], 'one of each in turn')
  t.strictSame(begun.slice(8), [5, 6, 7, 8, 9], 'and then what is left of the flood')
})

t.test(
  'a queue that one client has filled has room for another: the newest of the longest makes way',
  async t => {
    const { begun, end, job } = jobs()
    const queue = hashQueue(1, 1.5)
    const flood = Array.from({ length: 7 }, (_, id) => runIn(queue, 'flood', job(id)))
    t.throws(() => queue.reserve('flood'), { code: 'overloaded' })
    const newest = t.rejects(flood[6] as Promise<number>, { code: 'overloaded' })
    const stranger = runIn(queue, 'stranger', job(100))
    await newest
    t.strictSame(queue.load(), { running: 1, waiting: 6 })
    // Of the flood four still wait for their turn, and one of the stranger's; a second one still leaves its line the
    // shorter.
    const second = runIn(queue, 'stranger', job(101))
    await t.rejects(flood[5] as Promise<number>, { code: 'overloaded' })
    t.throws(() => queue.reserve('stranger'), { code: 'overloaded' }, 'a third would make it the longest')
    t.throws(() => queue.reserve('flood'), { code: 'overloaded' }, 'and nobody makes way for the flood')
    t.doesNotThrow(() => queue.reserve('somebody else').release())
    await t.rejects(flood[4] as Promise<number>, { code: 'overloaded' }, 'but it does for somebody else')
    for (let next = 0; next < 6; next++) {
      await turn()
      end[next]?.()
    }
    t.strictSame(await Promise.all([stranger, second]), [100, 101])
    t.strictSame(begun, [0, 1, 2, 100, 3, 101], 'what was shed never ran')
  },
)

t.test('where everybody waits with one job, nobody makes way', async t => {
  const { end, job } = jobs()
  const queue = hashQueue(1, 1)
  const all = Array.from({ length: 5 }, (_, id) => runIn(queue, `client ${id}`, job(id)))
  await t.rejects(runIn(queue, 'one more', job(99)), { code: 'overloaded' })
  for (let next = 0; next < 5; next++) {
    end[next]?.()
    await turn()
  }
  t.strictSame(await Promise.all(all), [0, 1, 2, 3, 4])
})

t.test('a job whose client is gone leaves the queue, and one that runs goes on', async t => {
  const { begun, end, job } = jobs()
  const queue = hashQueue(1, 10)
  const [first, second, third] = Array.from({ length: 3 }, () => new AbortController())
  const running = runIn(queue, 'one', job(0), first?.signal)
  const called = t.rejects(runIn(queue, 'one', job(1), second?.signal), { code: 'overloaded' })
  const inLine = runIn(queue, 'one', job(2), third?.signal)
  const next = runIn(queue, 'one', job(3))
  await turn()
  first?.abort()
  third?.abort()
  await t.rejects(inLine, { code: 'overloaded', detail: 'The client is gone.' })
  t.strictSame(queue.load(), { running: 1, waiting: 2 })
  second?.abort()
  t.strictSame(queue.load(), { running: 1, waiting: 1 }, 'also one whose turn has come')
  end[0]?.()
  t.equal(await running, 0)
  await called
  await turn()
  end[1]?.()
  t.equal(await next, 3)
  t.strictSame(begun, [0, 3])
  t.strictSame(queue.load(), { running: 0, waiting: 0 })
})

t.test('a place that is taken counts before its job comes, and after it only as that job', async t => {
  const { begun, end, job } = jobs()
  const queue = hashQueue(1, 1)
  const places = Array.from({ length: 5 }, () => queue.reserve('one'))
  t.strictSame(queue.load(), { running: 0, waiting: 5 }, 'four that may wait, and one that may run')
  // The last comes first: a core does not wait for whoever is slow.
  const all = [4, 2, 3, 1].map(id => places[id]?.run(job(id)))
  await turn()
  t.strictSame(begun, [4])
  t.strictSame(queue.load(), { running: 1, waiting: 4 })
  for (let next = 0; next < 4; next++) {
    end[next]?.()
    await turn()
  }
  t.strictSame(await Promise.all(all), [4, 2, 3, 1])
  t.strictSame(begun, [4, 2, 1, 3], 'of those who wait for their turn, who has the older place is first')
  t.strictSame(queue.load(), { running: 0, waiting: 1 })
  places[0]?.release()
  places[0]?.release()
  t.strictSame(queue.load(), { running: 0, waiting: 0 })
})

t.test('one turn for each core comes before a core is free, and ends where no job comes', async t => {
  const { begun, end, job } = jobs()
  const queue = hashQueue(1, 10)
  const running = runIn(queue, 'one', job(0))
  const [prepared, next] = [queue.reserve('one'), queue.reserve('another')]
  await prepared.turn()
  const turns: string[] = []
  const itsTurn = next.turn().then(() => turns.push('next'))
  await turn()
  t.strictSame(turns, [], 'what is of use only later is not prepared yet')
  prepared.release()
  await itsTurn
  t.strictSame(queue.load(), { running: 1, waiting: 1 })
  const itsJob = next.run(job(1))
  await turn()
  t.strictSame(begun, [0], 'it still waits for the core')
  end[0]?.()
  await running
  await turn()
  end[1]?.()
  t.equal(await itsJob, 1)
  t.strictSame(queue.load(), { running: 0, waiting: 0 })
})

t.test('who holds many places and brings no jobs makes way, and is told so when a job comes', async t => {
  const { begun, end, job } = jobs()
  const queue = hashQueue(1, 1)
  const idle = Array.from({ length: 5 }, () => queue.reserve('idle'))
  const stranger = runIn(queue, 'stranger', job(100))
  await turn()
  t.strictSame(queue.load(), { running: 1, waiting: 4 })
  await t.rejects(idle[4]?.run(job(4)) as Promise<number>, { code: 'overloaded', retryAfter: 1 })
  const first = idle[0]?.run(job(0))
  end[0]?.()
  t.equal(await stranger, 100)
  await turn()
  end[1]?.()
  t.equal(await first, 0, 'the others of its places are as good as before')
  t.strictSame(begun, [100, 0])
})

t.test('in a full queue the oldest place without a complete body makes way for any client', async t => {
  const { begun, end, job } = jobs()
  const queue = hashQueue(1, 1)
  const slow = Array.from({ length: 4 }, (_, id) => queue.reserve(`slow ${id}`))
  const complete = runIn(queue, 'complete', job(0))
  const owners = [1, 2].map(id => runIn(queue, 'owner', job(id)))
  await turn()
  t.strictSame(queue.load(), { running: 1, waiting: 4 }, 'the queue is as full as before')
  const shed = Promise.all(
    slow.slice(0, 2).map(place => t.rejects(place.turn(), { code: 'overloaded' }, 'the oldest made way')),
  )
  const late = slow[3]?.run(job(3))
  await shed
  const last = queue.reserve('one more')
  await t.rejects(slow[2]?.turn() as Promise<void>, { code: 'overloaded' })
  last.release()
  const full = runIn(queue, 'another', job(4))
  t.throws(() => queue.reserve('too many'), { code: 'overloaded' }, 'a place with a complete body does not')
  for (let next = 0; next < 5; next++) {
    await turn()
    end[next]?.()
  }
  await Promise.all([complete, ...owners, late, full])
  t.strictSame([...begun].sort(), [0, 1, 2, 3, 4])
})

t.test('an overdue body makes way before the complete request of a client with a longer line', async t => {
  const { end, job } = jobs()
  const queue = hashQueue(1, 1)
  const slow = queue.reserve('slow')
  const office = Array.from({ length: 4 }, (_, id) => runIn(queue, 'office', job(id)))
  await delay(550)
  const owner = runIn(queue, 'owner', job(4))
  await t.rejects(slow.turn(), { code: 'overloaded' })
  for (let next = 0; next < 5; next++) {
    await turn()
    end[next]?.()
  }
  await t.resolves(Promise.all([...office, owner]))
})

t.test('the place of a client that is gone is free, whether its job has come or not', async t => {
  const queue = hashQueue(1, 10)
  const leaving = new AbortController()
  const place = queue.reserve('one', leaving.signal)
  leaving.abort()
  t.strictSame(queue.load(), { running: 0, waiting: 0 })
  let ran = false
  const late = place.run(async () => {
    ran = true
  })
  await t.rejects(late, { code: 'overloaded', detail: 'The client is gone.' })
  t.notOk(ran)
  t.throws(() => queue.reserve('one', leaving.signal), { code: 'overloaded' })
})
