import t from 'tap'
import { nextTurn } from '../../../src/mail/caps.ts'
import { LONGEST_MAIL_WAIT } from '../../../src/shared/mail-wait.ts'

const at = (seconds: number) => new Date(1_800_000_000_000 + seconds * 1000)
const secondsOf = (date: Date) => (date.getTime() - at(0).getTime()) / 1000

t.test('the next slot of a recipient', async t => {
  const now = 100_000
  const cases: [name: string, turns: number[], expected: number][] = [
    ['the first mail is sent at once', [], now],
    ['the second a minute later', [now - 10], now + 50],
    ['a mail after an hour of silence is sent at once', [now - 3600, now - 3700], now],
    ['the third halfway to the end of the hour', [now, now - 60], now + 1770],
    ['the third at once where the two before are half an hour apart', [now - 900, now - 2700], now],
    ['the fourth an hour after the first', [now - 10, now - 1780, now - 1840], now + 1760],
    ['a turn from before the clock was set back counts for nothing', [now + 5000, now - 3700], now],
    ['a turn of an instance whose clock is a little ahead counts', [now + 20], now + 80],
  ]
  for (const [name, turns, expected] of cases) {
    const next = nextTurn(turns.map(at), at(now))
    t.equal(Math.max(now, secondsOf(next)), expected, name)
  }
})

t.test('at most three emails an hour, and no wait longer than the lifetime of a link', async t => {
  const violations: object[] = []
  // Pauses of every length between bursts, so that every state of the cap occurs.
  for (let quiet = 0; quiet <= 7_200_000; quiet += 97_003) {
    const turns: Date[] = []
    let now = at(0).getTime()
    for (let mails = 0; mails < 200; mails++) {
      const next = Math.max(now, nextTurn(turns, new Date(now)).getTime())
      const since = (turn: Date | undefined) => next - (turn?.getTime() ?? 0)
      if (next - now > LONGEST_MAIL_WAIT * 1000 || since(turns[0]) < 60_000 || since(turns[2]) < 3_600_000) {
        violations.push({ quiet, mails, wait: next - now, last: since(turns[0]), third: since(turns[2]) })
      }
      turns.unshift(new Date(next))
      turns.length = Math.min(turns.length, 3)
      now = next + (mails % 5 === 0 ? quiet : 0)
    }
  }
  t.strictSame(violations.slice(0, 3), [])
})
