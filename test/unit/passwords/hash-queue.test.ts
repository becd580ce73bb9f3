import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import { type HashQueue, hashQueue, type Slot } from '../../../src/passwords/hash-queue.ts'

/** Reserves a slot and runs a job in it, at once or in its turn. */
async function runIn<T>(queue: HashQueue, client: string, job: () => Promise<T>): Promise<T> {
  return queue.reserve(client).run(job)
}

/** Jobs that end when the test says, and records of them. */
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
  t.strictSame(begun, [...Array(20).keys()], 'in order of arrival')
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
  t.ok(performance.now() - before < 2500, 'before the timeout')
  for (const outcome of shed) {
    t.match(outcome, { status: 'rejected', reason: { code: 'overloaded', statusCode: 503 } })
    const { retryAfter } = (outcome as PromiseRejectedResult).reason
    t.ok(Number.isInteger(retryAfter) && retryAfter >= 1 && retryAfter <= 3, 'a whole number of seconds', {
      retryAfter,
    })
  }
  t.strictSame(queue.load(), { running: 2, waiting: limit })
  await turn()
  for (let next = 0; next < kept.length; next++) {
    end[next]?.()
    await turn()
  }
  await Promise.all(kept)
  t.notOk(begun.includes(99) || begun.includes(98), 'a shed job never ran')
  t.equal(await runIn(queue, 'one', async () => 'free again'), 'free again')
})

t.test('a slot that times out is shed, leaves the queue and never runs its job', async t => {
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

t.test('a slot that was called does not time out', async t => {
  const { end, job } = jobs()
  const queue = hashQueue(1, 0.5)
  const all = [0, 1, 2].map(id => runIn(queue, 'one', job(id)))
  await delay(250)
  end[0]?.()
  await turn()
  all.push(runIn(queue, 'one', job(3)))
  await delay(400)
  t.strictSame(queue.load(), { running: 1, waiting: 2 }, 'job 2 is past its timeout, and next')
  for (let next = 1; next < 4; next++) {
    end[next]?.()
    await turn()
  }
  t.strictSame(await Promise.all(all), [0, 1, 2, 3])
})

t.test('a job that fails leaves the queue, even one that throws synchronously', async t => {
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

t.test('clients take turns: a flood delays only its own client', async t => {
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
  t.strictSame(begun.slice(0, 2), [0, 1], 'the first to arrive')
  t.strictSame(begun.slice(2, 8), [2, 100, 200, 3, 101, 4], 'one of each client in turn')
  t.strictSame(begun.slice(8), [5, 6, 7, 8, 9], 'and then the rest of the flood')
})

t.test(
  'in a queue filled by one client, the newest slot of the longest line is shed for another client',
  async t => {
    const { begun, end, job } = jobs()
    const queue = hashQueue(1, 1.5)
    const flood = Array.from({ length: 7 }, (_, id) => runIn(queue, 'flood', job(id)))
    t.throws(() => queue.reserve('flood'), { code: 'overloaded' })
    const newest = t.rejects(flood[6] as Promise<number>, { code: 'overloaded' })
    const stranger = runIn(queue, 'stranger', job(100))
    await newest
    t.strictSame(queue.load(), { running: 1, waiting: 6 })
    // Four slots of the flood still wait, and one of the other client; a second one still leaves its line the
    // shorter.
    const second = runIn(queue, 'stranger', job(101))
    await t.rejects(flood[5] as Promise<number>, { code: 'overloaded' })
    t.throws(() => queue.reserve('stranger'), { code: 'overloaded' }, 'a third would make it the longest')
    t.throws(
      () => queue.reserve('flood'),
      { code: 'overloaded' },
      'and no other client is shed for the flood',
    )
    t.doesNotThrow(() => queue.reserve('somebody else').release())
    await t.rejects(
      flood[4] as Promise<number>,
      { code: 'overloaded' },
      'but the flood is shed for another client',
    )
    for (let next = 0; next < 6; next++) {
      await turn()
      end[next]?.()
    }
    t.strictSame(await Promise.all([stranger, second]), [100, 101])
    t.strictSame(begun, [0, 1, 2, 100, 3, 101], 'a shed job never ran')
  },
)

t.test('the clients of a group take turns, and the group has one turn', async t => {
  const { begun, end, job } = jobs()
  const queue = hashQueue(1, 10)
  const inGroup = (client: string, id: number) => queue.reserve(client, 'flood').run(job(id))
  const all = Array.from({ length: 6 }, (_, id) => inGroup(`flood ${id}`, id))
  all.push(inGroup('flood 5', 6), runIn(queue, 'stranger', job(100)), runIn(queue, 'stranger', job(101)))
  all.push(inGroup('flood 7', 7))
  for (let next = 0; next < all.length; next++) {
    await turn()
    end[next]?.()
  }
  await Promise.all(all)
  t.strictSame(begun, [0, 1, 2, 100, 3, 101, 4, 5, 7, 6])
  t.strictSame(queue.load(), { running: 0, waiting: 0 })
})

t.test('in a queue filled by a group, a slot of the group is shed for another client', async t => {
  const { end, job } = jobs()
  const queue = hashQueue(1, 1.5)
  const inGroup = (client: string, id: number) => queue.reserve(client, 'flood').run(job(id))
  const flood = Array.from({ length: 6 }, (_, id) => inGroup(`flood ${id}`, id))
  flood.push(inGroup('flood 5', 6))
  const isShed = (id: number, name: string) =>
    t.rejects(flood[id] as Promise<number>, { code: 'overloaded' }, name)
  t.throws(() => queue.reserve('flood 5', 'flood'), { code: 'overloaded' }, 'its line is the longest')
  const ofLongest = isShed(6, 'within the group, of the longest line')
  flood.push(inGroup('flood 7', 7))
  await ofLongest
  const ofGroup = Promise.all([isShed(7, 'of equal lines the last'), isShed(5, 'and then the one before it')])
  const strangers = [100, 101].map(id => runIn(queue, 'stranger', job(id)))
  await ofGroup
  t.throws(() => queue.reserve('stranger'), { code: 'overloaded' }, 'a third would make it the largest')
  for (let next = 0; next < 7; next++) {
    await turn()
    end[next]?.()
  }
  t.strictSame(await Promise.all([...flood.slice(0, 5), ...strangers]), [0, 1, 2, 3, 4, 100, 101])
})

t.test('if each client has one slot with a complete body, none is shed for another', async t => {
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

t.test('a released slot leaves the queue in every state, and a running hash goes on', async t => {
  const { begun, end, job } = jobs()
  const queue = hashQueue(1, 10)
  const [first, second, third] = [0, 1, 2].map(() => queue.reserve('one')) as [Slot, Slot, Slot]
  const running = first.run(job(0))
  const called = t.rejects(second.run(job(1)), { code: 'overloaded' })
  const inLine = third.run(job(2))
  const next = runIn(queue, 'one', job(3))
  await turn()
  first.release()
  third.release()
  await t.rejects(inLine, { code: 'overloaded', detail: 'The client is gone.' })
  t.strictSame(queue.load(), { running: 1, waiting: 2 })
  second.release()
  await called
  t.strictSame(queue.load(), { running: 1, waiting: 1 }, 'also one that was called')
  end[0]?.()
  t.equal(await running, 0)
  await turn()
  end[1]?.()
  t.equal(await next, 3)
  t.strictSame(begun, [0, 3])
  t.strictSame(queue.load(), { running: 0, waiting: 0 })
})

t.test('a reserved slot counts once, before and after its job arrives', async t => {
  const { begun, end, job } = jobs()
  const queue = hashQueue(1, 1)
  const places = Array.from({ length: 5 }, () => queue.reserve('one'))
  t.strictSame(queue.load(), { running: 0, waiting: 5 }, 'four queued, and one running')
  // Not in order: a core does not wait for a slow job.
  const all = [4, 2, 3, 1].map(id => places[id]?.run(job(id)))
  await turn()
  t.strictSame(begun, [4])
  t.strictSame(queue.load(), { running: 1, waiting: 4 })
  for (let next = 0; next < 4; next++) {
    end[next]?.()
    await turn()
  }
  t.strictSame(await Promise.all(all), [4, 2, 3, 1])
  t.strictSame(begun, [4, 2, 1, 3], 'of waiting slots the oldest is first')
  t.strictSame(queue.load(), { running: 0, waiting: 1 })
  places[0]?.release()
  places[0]?.release()
  t.strictSame(queue.load(), { running: 0, waiting: 0 })
})

t.test('one slot per core is called before a core is free, and loses its turn without a job', async t => {
  const { begun, end, job } = jobs()
  const queue = hashQueue(1, 10)
  const running = runIn(queue, 'one', job(0))
  const [prepared, next] = [queue.reserve('one'), queue.reserve('another')]
  await prepared.turn()
  const turns: string[] = []
  const itsTurn = next.turn().then(() => turns.push('next'))
  await turn()
  t.strictSame(turns, [], 'the next slot is not called yet')
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

t.test('a slot with an incomplete body is shed first, and its job is refused when it arrives', async t => {
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
  t.equal(await first, 0, 'its other slots are unchanged')
  t.strictSame(begun, [100, 0])
})

t.test('in a full queue the oldest slot with an incomplete body is shed for any client', async t => {
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
  t.throws(() => queue.reserve('too many'), { code: 'overloaded' }, 'a slot with a complete body is not')
  for (let next = 0; next < 5; next++) {
    await turn()
    end[next]?.()
  }
  await Promise.all([complete, ...owners, late, full])
  t.strictSame([...begun].sort(), [0, 1, 2, 3, 4])
})

t.test(
  'a slot with an overdue body is shed before a complete one of a client with a longer line',
  async t => {
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
  },
)

t.test('a slot that is released before its job runs no job', async t => {
  const queue = hashQueue(1, 10)
  const slot = queue.reserve('one')
  slot.release()
  t.strictSame(queue.load(), { running: 0, waiting: 0 })
  let ran = false
  const late = slot.run(async () => {
    ran = true
  })
  await t.rejects(late, { code: 'overloaded', detail: 'The client is gone.' })
  t.notOk(ran)
})

t.test('a slot with an incomplete body is passed over, and keeps its place in its line', async t => {
  const { begun, end, job } = jobs()
  const queue = hashQueue(1, 10)
  const running = [runIn(queue, 'x', job(0)), runIn(queue, 'x', job(1))]
  const a1 = queue.reserve('a')
  const later = [runIn(queue, 'a', job(12)), runIn(queue, 'b', job(21)), runIn(queue, 'a', job(13))]
  await turn()
  end[0]?.()
  await turn()
  const first = a1.run(job(11))
  for (let next = 1; next < 6; next++) {
    end[next]?.()
    await turn()
  }
  await Promise.all([...running, ...later, first])
  t.strictSame(begun, [0, 1, 12, 21, 11, 13])
})

t.test('no slot is lost, and no line is served twice while another waits', async t => {
  const key = fc.constantFrom('a', 'b', 'c', 'd')
  const step = fc.tuple(fc.constantFrom('join', 'serve', 'leave'), key)
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 100 }), async steps => {
      const queue = hashQueue(1, 60)
      // These two run at once, so that all others wait in their lines.
      const called = ['x', 'x'].map(client => queue.reserve(client))
      for (const slot of called) await slot.turn()
      const lines = new Map<string, { name: string; slot: Slot }[]>()
      const passedOver = new Map<string, number>()
      const served: { name: string; slot: Slot }[] = []
      for (const [index, [what, client]] of steps.entries()) {
        const line = lines.get(client) ?? []
        if (what === 'join') {
          const entry = { name: `${client}${index}`, slot: queue.reserve(client) }
          entry.slot.turn().then(
            () => served.push(entry),
            () => {},
          )
          lines.set(client, [...line, entry])
          if (line.length === 0) passedOver.set(client, 0)
        } else if (what === 'leave') {
          line.pop()?.slot.release()
        } else {
          called.shift()?.release()
          await turn()
          const [next] = served.splice(0)
          const waiting = [...lines.values()].some(({ length }) => length > 0)
          if (waiting !== (next !== undefined)) throw new Error('a slot waits while there is room')
          if (next === undefined) {
            called.push(queue.reserve('x'))
            await called.at(-1)?.turn()
            continue
          }
          called.push(next.slot)
          const of = next.name[0] as string
          if (lines.get(of)?.shift() !== next) throw new Error(`out of line: ${next.name}`)
          for (const [other, entries] of lines) {
            const count = other === of || entries.length === 0 ? 0 : (passedOver.get(other) ?? 0) + 1
            if (count > 3) throw new Error(`${other} was passed over ${count} times by 3 others`)
            passedOver.set(other, count)
          }
        }
        const expected = [...lines.values()].reduce((sum, { length }) => sum + length, called.length)
        if (queue.load().waiting !== expected) throw new Error(`${queue.load().waiting}, not ${expected}`)
      }
      for (const slot of called) slot.release()
      for (const line of lines.values()) for (const { slot } of line) slot.release()
    }),
  )
  t.pass()
})
