import t from 'tap'
import { areaUnderCurve, median } from '../../system/timing/auc.ts'
import { randomFrom, shuffled } from '../../system/timing/chance.ts'

/** By definition, comparing each pair. */
function byPairs(baseline: number[], others: number[]): number {
  const wins = others.flatMap(b => baseline.map((a): number => (b > a ? 1 : b === a ? 0.5 : 0)))
  return wins.reduce((sum, win) => sum + win, 0) / wins.length
}

t.test('the area matches its definition, including ties and unequal sizes', async t => {
  t.equal(areaUnderCurve([1, 2, 3], [4, 5, 6]), 1)
  t.equal(areaUnderCurve([4, 5, 6], [1, 2, 3]), 0)
  t.equal(areaUnderCurve([1, 1, 1], [1, 1]), 0.5)
  t.equal(areaUnderCurve([1, 2, 3, 4], [2, 3]), 0.5)
  const random = randomFrom(7)
  for (let run = 0; run < 50; run++) {
    const some = (count: number) => Array.from({ length: count }, () => Math.floor(random() * 20))
    const [a, b] = [some(1 + Math.floor(random() * 40)), some(1 + Math.floor(random() * 40))]
    t.ok(Math.abs(areaUnderCurve(a, b) - byPairs(a, b)) < 1e-12, `${a} against ${b}`)
  }
})

t.test('a shift of a tenth of the spread is outside the bound, no shift is inside', async t => {
  const random = randomFrom(11)
  const times = (shift: number) => Array.from({ length: 1500 }, () => shift + random() + random() + random())
  t.ok(Math.abs(areaUnderCurve(times(0), times(0)) - 0.5) < 0.05)
  t.ok(areaUnderCurve(times(0), times(0.15)) > 0.55)
})

t.test('the median is the middle value, or the mean of the two', async t => {
  t.equal(median([3, 1, 2]), 2)
  t.equal(median([4, 1, 3, 2]), 2.5)
})

t.test('the same seed gives the same order, and every order occurs', async t => {
  const drawn = (seed: number) => {
    const random = randomFrom(seed)
    return Array.from({ length: 60 }, () => shuffled(['a', 'b', 'c'], random).join(''))
  }
  t.strictSame(drawn(3), drawn(3))
  t.equal(new Set(drawn(3)).size, 6)
})
