import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import t from 'tap'
import { startApp } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { onTheWire, requestText } from '../../harness/raw-http.ts'
import { until } from '../../harness/until.ts'

/** Streamed from its file, and larger than the socket buffers of the kernel. */
const LARGE = '/docs/static/swagger-ui.js'

/** Whether a file descriptor of this process is the large file. */
function isLarge(descriptor: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`).endsWith('/swagger-ui.js')
  } catch {
    // Closed in the meantime.
    return false
  }
}

t.test('sixteen requests may be pipelined on a connection; one more closes it', async t => {
  const { app } = await startApp(t)
  const { exchange } = await onTheWire(app)
  const { answers, closed } = await exchange(requestText('GET /health/live').repeat(20))
  t.ok(closed)
  t.strictSame(
    answers.map(({ statusCode }) => statusCode),
    [...Array(16).fill(200), 400],
    'earlier requests are answered, later ones are not',
  )
  isProblemOf(t, answers[16] ?? { statusCode: 0, headers: {}, body: '' }, 'bad_request')
})

t.test('sequential requests are not limited', async t => {
  const { app } = await startApp(t)
  const { open } = await onTheWire(app)
  const socket = await open()
  for (let asked = 0; asked < 50; asked++) {
    socket.write(requestText('GET /health/live').repeat(2))
    let received = ''
    while (received.split('HTTP/1.1 200').length < 3) received += (await once(socket, 'data'))[0]
  }
  t.notOk(socket.closed)
  socket.destroy()
})

t.test('responses of a closed connection are released', async t => {
  const { app } = await startApp(t)
  const { open } = await onTheWire(app)
  const files = () => readdirSync('/proc/self/fd').filter(isLarge).length
  const socket = await open()
  socket.pause()
  socket.write(requestText(`GET ${LARGE}`).repeat(16))
  await until('files are open', () => files() > 10)
  socket.resetAndDestroy()
  await once(socket, 'close')
  await until('they are closed', () => files() === 0)
  t.equal(app.server.listening, true)
})
