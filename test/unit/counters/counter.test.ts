import t from 'tap'
import { memoryCounter } from '../../../src/counters/counter.ts'

/** A random source that every run repeats (mulberry32). */
function seeded(seed: number) {
  let state = seed
  return (below: number) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

function counter({ leaky = false, most = 100, random = seeded(1) } = {}) {
  const time = { now: 0 }
  const made = memoryCounter({ seconds: 60, leaky, most, now: () => time.now, random })
  const advance = (seconds: number) => {
    time.now += seconds * 1000
  }
  return { counter: made, advance }
}

const times = async (count: number, job: (i: number) => Promise<unknown>) => {
  for (let i = 0; i < count; i++) await job(i)
}

t.test('a flood of new keys evicts itself and not the key with the most points', async t => {
  const { counter: counts } = counter()
  await times(5, () => counts.add('victim'))
  await times(10_000, i => counts.add(`flood ${i}`))
  t.equal(counts.size(), 100)
  t.equal((await counts.get('victim'))?.current, 5)
  t.equal(await counts.get('flood 0'), undefined)
  t.equal((await counts.get('flood 9999'))?.current, 1, 'the newest key is counted')
})

t.test('of two keys that are picked at random, a full counter evicts the one with fewer points', async t => {
  const picks: number[] = []
  const { counter: counts } = counter({ most: 4, random: below => (picks.shift() ?? 0) % below })
  for (const [key, points] of Object.entries({ a: 1, b: 3, c: 2, d: 2 })) await counts.add(key, points)
  const evicts = async (first: number, second: number, evicted: string, left: string[]) => {
    picks.push(first, second)
    await counts.add(`in place of ${evicted}`, 4)
    t.equal(await counts.get(evicted), undefined)
    for (const key of left) t.ok(await counts.get(key), key)
    t.equal(counts.size(), 4)
  }
  // The second pick is among the others. The last key takes the place of the evicted one.
  await evicts(1, 1, 'c', ['a', 'b', 'd'])
  await evicts(2, 0, 'a', ['b', 'd', 'in place of c'])
  await evicts(2, 1, 'd', ['b', 'in place of c', 'in place of a'])
})

// Regression: a full counter evicted the oldest key of the lowest rank, which one new key each time made the victim's.
t.test(
  'a full counter of two points a key lets no count of guesses be evicted by one key a guess',
  async t => {
    for (let seed = 1; seed <= 20; seed++) {
      const { counter: counts } = counter({ most: 20_000, random: seeded(seed) })
      await times(20_000, i => counts.add(`junk ${i}`, 2))
      let guesses = 0
      for (let current = 0; current < 100 && guesses < 3000; guesses++) {
        current = (await counts.add('victim')).current
        await counts.add(`new ${guesses}`, 2)
      }
      t.ok(guesses <= 300, `refused after ${guesses} guesses`)
    }
  },
)

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

t.test('keys that come and go are neither lost nor kept beyond the bound', async t => {
  const random = seeded(2)
  const { counter: counts, advance } = counter({ most: 50, random: seeded(3) })
  const keys = Array.from({ length: 80 }, (_, i) => `key ${i}`)
  for (let i = 0; i < 5000; i++) {
    const key = keys[random(80)] as string
    if (random(5) === 0) await counts.forget(key)
    else {
      const { current } = await counts.add(key, random(4) - 1)
      if (current > 0 !== ((await counts.get(key)) !== undefined)) t.fail(`${key} is not kept`)
    }
    if (random(100) === 0) advance(random(70))
    counts.sweep()
    const kept = (await Promise.all(keys.map(one => counts.get(one)))).filter(count => count).length
    if (kept !== counts.size() || kept > 50) t.fail(`${kept} keys, of which it counts ${counts.size()}`)
  }
  t.pass()
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
