import t from 'tap'
import { MemoryCounter } from '../../../src/http/memory-counter.ts'

function counter(options: { leaky?: boolean; duration?: number; most?: number; points?: number } = {}) {
  const time = { now: 0 }
  const made = new MemoryCounter({
    keyPrefix: 'test',
    points: 1000,
    duration: 60,
    leaky: false,
    most: 100,
    now: () => time.now,
    ...options,
  })
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
  await times(5, () => counts.penalty('victim'))
  await times(2, () => counts.penalty('mild'))
  await times(10_000, i => counts.penalty(`flood ${i}`))
  t.equal(counts.size, 100)
  t.equal((await counts.get('victim'))?.consumedPoints, 5)
  t.equal((await counts.get('mild'))?.consumedPoints, 2)
  t.equal(await counts.get('flood 0'), null, 'the oldest of the flood went')
  t.equal((await counts.get('flood 9999'))?.consumedPoints, 1)
})

t.test('of equal points the key with the longest wait stays', async t => {
  const { counter: gates } = counter({ points: 1 })
  await gates.consume('victim', 1, { customDuration: 900 })
  await times(1000, i => gates.consume(`flood ${i}`, 1, { customDuration: 1 }))
  t.equal((await gates.get('victim'))?.consumedPoints, 1)
  t.equal(gates.size, 100)
})

t.test('a key is forgotten when its time is over, and swept', async t => {
  const { counter: counts, advance } = counter()
  await times(3, () => counts.penalty('one'))
  advance(59)
  await counts.penalty('other')
  t.match(await counts.get('one'), { consumedPoints: 3, msBeforeNext: 1000 })
  advance(1)
  t.equal(await counts.get('one'), null)
  t.equal(counts.size, 2)
  counts.sweep()
  t.equal(counts.size, 1)
  t.match(await counts.penalty('one'), { consumedPoints: 1, msBeforeNext: 60_000 })
})

t.test('points that are taken back leave no key, and none below zero', async t => {
  for (const leaky of [false, true]) {
    const { counter: counts } = counter({ leaky })
    t.match(await counts.reward('never counted'), { consumedPoints: 0 })
    await counts.penalty('one')
    await counts.penalty('one')
    t.match(await counts.reward('one'), { consumedPoints: 1 })
    await counts.reward('one')
    t.equal(counts.size, 0)
  }
})

t.test('a leaky counter drains one point at a time', async t => {
  const { counter: counts, advance } = counter({ leaky: true, duration: 60 })
  await times(10, () => counts.penalty('one'))
  advance(30)
  t.match(await counts.penalty('one'), { consumedPoints: 11 })
  advance(5 * 60)
  t.match(await counts.penalty('one'), { consumedPoints: 7 })
  advance(6.5 * 60)
  t.equal(await counts.get('one'), null)
})
