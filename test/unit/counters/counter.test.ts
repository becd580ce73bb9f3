import t from 'tap'
import { memoryCounter } from '../../../src/counters/counter.ts'

function counter({ leaky = false } = {}) {
  const time = { now: 0 }
  const made = memoryCounter({ seconds: 60, leaky, most: 100, now: () => time.now })
  const advance = (seconds: number) => {
    time.now += seconds * 1000
  }
  return { counter: made, advance }
}

const times = async (count: number, job: (i: number) => Promise<unknown>) => {
  for (let i = 0; i < count; i++) await job(i)
}

t.test('a flood of new keys evicts itself and no key with more points', async t => {
  const { counter: counts } = counter()
  await times(5, () => counts.add('victim'))
  await times(2, () => counts.add('mild'))
  await times(10_000, i => counts.add(`flood ${i}`))
  t.equal(counts.size(), 100)
  t.equal((await counts.get('victim'))?.current, 5)
  t.equal((await counts.get('mild'))?.current, 2)
  t.equal(await counts.get('flood 0'), undefined, 'the oldest key of the flood was evicted')
  t.equal((await counts.get('flood 9999'))?.current, 1)
})

t.test('with equal points the key with the longest wait stays', async t => {
  const { counter: gates } = counter()
  await gates.add('victim', 1, 900)
  await times(1000, i => gates.add(`flood ${i}`, 1, 1))
  t.equal((await gates.get('victim'))?.current, 1)
  t.equal(gates.size(), 100)
})

t.test('a key expires, and is swept', async t => {
  const { counter: counts, advance } = counter()
  await times(3, () => counts.add('one'))
  advance(59)
  await counts.add('other')
  t.match(await counts.get('one'), { current: 3, ttl: 1000 })
  advance(1)
  t.equal(await counts.get('one'), undefined)
  t.equal(counts.size(), 2)
  counts.sweep()
  t.equal(counts.size(), 1)
  t.match(await counts.add('one'), { current: 1, ttl: 60_000 })
})

t.test('returned points leave no key, and none below zero', async t => {
  for (const leaky of [false, true]) {
    const { counter: counts } = counter({ leaky })
    t.match(await counts.add('never counted', -1), { current: 0 })
    await counts.add('one')
    await counts.add('one')
    t.match(await counts.add('one', -1), { current: 1 })
    await counts.add('one', -1)
    t.equal(counts.size(), 0)
  }
})

t.test('a leaky counter drains one point at a time', async t => {
  const { counter: counts, advance } = counter({ leaky: true })
  await times(10, () => counts.add('one'))
  advance(30)
  t.match(await counts.add('one'), { current: 11 })
  advance(5 * 60)
  t.match(await counts.add('one'), { current: 7 })
  advance(6.5 * 60)
  t.equal(await counts.get('one'), undefined)
})
