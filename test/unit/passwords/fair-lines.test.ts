import fc from 'fast-check'
import t from 'tap'
import { fairLines } from '../../../src/passwords/fair-lines.ts'

/** Takes everybody out, in turn. */
function drained(lines: ReturnType<typeof fairLines<string>>): string[] {
  const order = []
  for (let next = lines.next(); next !== undefined; next = lines.next()) order.push(next)
  return order
}

t.test('lines take turns, and within a line who came first is first', async t => {
  const lines = fairLines<string>()
  for (const item of ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1']) lines.join(item[0] as string, item)
  t.equal(lines.size(), 7)
  t.equal(lines.lengthOf('a'), 4)
  t.equal(lines.lengthOf('d'), 0)
  t.strictSame(lines.longest(), { length: 4, last: 'a4' })
  t.strictSame(drained(lines), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4'])
  t.equal(lines.size(), 0)
  t.strictSame(lines.longest(), { length: 0, last: undefined })
})

t.test('who leaves takes nobody along, and a line that is left empty costs no turn', async t => {
  const lines = fairLines<string>()
  for (const item of ['a1', 'a2', 'b1', 'c1']) lines.join(item[0] as string, item)
  lines.leave('b', 'b1')
  lines.leave('b', 'b1')
  lines.leave('a', 'c1')
  lines.leave('d', 'd1')
  t.equal(lines.size(), 3, 'only who was there')
  lines.leave('a', 'a1')
  t.strictSame(drained(lines), ['a2', 'c1'])
})

t.test('who is not ready is passed over, and keeps place and turn', async t => {
  const ready = new Set(['a2', 'b2', 'c1'])
  const lines = fairLines<string>(item => ready.has(item))
  for (const item of ['a1', 'a2', 'b1', 'c1', 'b2']) lines.join(item[0] as string, item)
  t.strictSame([lines.next(), lines.next()], ['a2', 'b2'])
  ready.add('a1').add('b1')
  t.strictSame(drained(lines), ['c1', 'a1', 'b1'])
  lines.join('d', 'd1')
  t.equal(lines.next(), undefined)
  t.equal(lines.size(), 1)
})

t.test(
  'whatever comes and goes, nobody is lost, and no line is served twice while another waits',
  async t => {
    const key = fc.constantFrom('a', 'b', 'c', 'd')
    const step = fc.oneof(fc.tuple(fc.constant('join'), key), fc.tuple(fc.constantFrom('next', 'leave'), key))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), steps => {
        const lines = fairLines<string>()
        const waiting = new Map<string, string[]>()
        /** How often others were served since a line began to wait for its turn. */
        const passedOver = new Map<string, number>()
        steps.forEach(([what, of], index) => {
          const line = waiting.get(of) ?? []
          if (what === 'join') {
            lines.join(of, `${of}${index}`)
            waiting.set(of, [...line, `${of}${index}`])
            if (line.length === 0) passedOver.set(of, 0)
          } else if (what === 'leave') {
            const last = line.pop()
            if (last !== undefined) lines.leave(of, last)
          } else {
            const next = lines.next()
            const served = next?.[0] as string
            if (next !== undefined && waiting.get(served)?.shift() !== next)
              throw new Error(`out of line: ${next}`)
            for (const [other, items] of waiting) {
              const count = other === served || items.length === 0 ? 0 : (passedOver.get(other) ?? 0) + 1
              if (count > 3) throw new Error(`${other} was passed over ${count} times by 3 others`)
              passedOver.set(other, count)
            }
          }
          const expected = [...waiting.values()].reduce((sum, items) => sum + items.length, 0)
          if (lines.size() !== expected) throw new Error(`${lines.size()} instead of ${expected}`)
        })
      }),
    )
    t.pass()
  },
)
