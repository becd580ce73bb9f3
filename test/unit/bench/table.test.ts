import t from 'tap'
import { median, percentile } from '../../../bench/statistics.ts'
import { type Goal, milliseconds, perSecond, type Row, table } from '../../../bench/table.ts'

const row: Row = {
  what: 'GET /me',
  ...perSecond({ rate: 90, p99: 4, driver: 0.5 }, { name: 'bare', rate: 100 }),
}

const cells = (line: Row) =>
  table([{ ...line, database: 'sqlite' }])
    .split('\n')[2]
    ?.split('|')
    .slice(1, -1)
    .map(cell => cell.trim())

t.test(
  'a percentile is a value that was measured, and the median of an even number lies between two',
  async t => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)
    t.equal(percentile(hundred, 99), 99)
    t.equal(percentile([7], 99), 7)
    t.equal(median([3, 1, 2]), 2)
    t.equal(median([4, 1, 2, 3]), 2.5)
    t.throws(() => percentile([], 99), /nothing was measured/)
    t.throws(() => median([]), /nothing was measured/)
  },
)

t.test('a row says figure, baseline, ratio and the share of the driver', async t => {
  t.same(cells(row), ['sqlite', 'GET /me', '90.0/s', '4.00 ms', 'bare', '100/s', '', '0.90', '', '', '50 %'])
})

t.test('a goal is met at its bound and not beyond it', async t => {
  const met = (goal: Goal, line = row) => cells({ ...line, goal })?.[9]
  t.equal(met({ atLeast: 0.9 }), 'yes')
  t.equal(met({ atLeast: 0.91 }), 'no')
  t.equal(met({ atMost: 0.9 }), 'yes')
  t.equal(met({ atMost: 0.89 }), 'no')
  const slow: Row = {
    what: 'start',
    figure: milliseconds(50),
    baseline: { name: 'bare', ...milliseconds(10) },
  }
  t.equal(met({ figureAtMost: 50, unit: 'ms' }, slow), 'yes')
  t.equal(met({ figureAtMost: 49, unit: 'ms' }, slow), 'no')
})
