/**
 * An SMTP server that accepts and discards everything, in a worker thread, so that it does not disturb the
 * measurement.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import type { Teardown } from '../../harness/database.ts'

/** Starts it. @returns its port on 127.0.0.1 */
export async function startMailSink(t: Teardown): Promise<number> {
  const worker = new Worker(new URL(import.meta.url))
  t.teardown(() => worker.terminate())
  const [port] = await once(worker, 'message')
  return port
}

/** RFC 5321, as far as a client without errors needs it. */
function serve() {
  const server = createServer(socket => {
    let text = ''
    let inMail = false
    const say = (line: string) => socket.write(`${line}\r\n`)
    socket.setNoDelay(true)
    socket.setEncoding('latin1')
    socket.on('error', () => {})
    say('220 sink')
    socket.on('data', chunk => {
      text += chunk
      for (;;) {
        const end = text.indexOf(inMail ? '\r\n.\r\n' : '\r\n')
        if (end < 0) return
        const line = text.slice(0, end)
        text = text.slice(end + (inMail ? 5 : 2))
        if (inMail) say('250 taken')
        else if (/^quit/i.test(line)) socket.end('221 bye\r\n')
        else say(/^data/i.test(line) ? '354 go on' : '250 fine')
        inMail = !inMail && /^data/i.test(line)
      }
    })
  })
  server.listen(0, '127.0.0.1', () => parentPort?.postMessage((server.address() as AddressInfo).port))
}

if (!isMainThread) serve()
