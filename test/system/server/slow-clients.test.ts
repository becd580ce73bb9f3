/** Clients that never finish their request are disconnected, in real time. */
import t, { type Test } from 'tap'
import { startApp } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { onTheWire, requestText } from '../../harness/raw-http.ts'

/** Sends bytes that stop in the middle; returns the response and its time. */
async function unfinished(t: Test, bytes: string) {
  const { exchange } = await onTheWire((await startApp(t)).app)
  const start = performance.now()
  const { answers, closed } = await exchange(bytes)
  t.ok(closed, 'the connection ends')
  return { answer: answers[0] ?? { statusCode: 0, headers: {}, body: '' }, ms: performance.now() - start }
}

t.jobs = 2

t.test('a connection is closed if its headers take longer than 5 s', { buffered: true }, async t => {
  const { answer, ms } = await unfinished(t, 'GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')
  isProblemOf(t, answer, 'request_timeout')
  t.ok(ms >= 5000 && ms < 9000, 'after 5 s', { ms })
})

t.test('a connection is closed if its request takes longer than 10 s', { buffered: true }, async t => {
  const fields = ['Content-Type: application/json', 'Content-Length: 42']
  const { answer, ms } = await unfinished(t, `${requestText('POST /login', { fields })}{`)
  isProblemOf(t, answer, 'request_timeout')
  t.ok(ms >= 10_000 && ms < 14_000, 'after 10 s', { ms })
})
