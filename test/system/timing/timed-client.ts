/** A client that measures time: one kept-alive connection, one request at a time. */
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Teardown } from '../../harness/database.ts'
import type { Answer } from '../../harness/problem.ts'
import { answersIn } from '../../harness/raw-http.ts'

export interface TimedClient {
  /**
   * Sends one request and waits for its response.
   *
   * @returns the response, and milliseconds from the first byte sent to the last one received
   */
  ask(bytes: Buffer): Promise<{ answer: Answer; ms: number }>
}

/** @param url of the service */
export async function newTimedClient(t: Teardown, url: string): Promise<TimedClient> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  t.teardown(() => socket.destroy())
  let received: Buffer[] = []
  let heard: () => void = () => {}
  let lost: (error: Error) => void = () => {}
  let last = 0
  socket.on('data', chunk => {
    last = performance.now()
    received.push(chunk)
    heard()
  })
  socket.on('error', error => lost(error))
  socket.on('close', () => lost(new Error('the service ended the connection')))
  await once(socket, 'connect')

  return {
    ask: bytes =>
      new Promise((resolve, reject) => {
        received = []
        lost = reject
        const sent = performance.now()
        heard = () => {
          const [answer] = answersIn(Buffer.concat(received))
          if (answer) resolve({ answer, ms: last - sent })
        }
        socket.write(bytes)
      }),
  }
}

/**
 * The bytes of a request.
 *
 * @param network the client's address as a proxy would name it
 */
export function bytesOf(
  path: string,
  body: object | undefined,
  network: string,
  bearer: string | undefined,
): Buffer {
  const payload = body === undefined ? '' : JSON.stringify(body)
  const fields = [
    `${body === undefined ? 'GET' : 'POST'} ${path} HTTP/1.1`,
    'Host: localhost',
    'User-Agent: curl/8.5.0',
    'Accept: */*',
    `X-Forwarded-For: ${network}`,
    ...(bearer === undefined ? [] : [`Authorization: Bearer ${bearer}`]),
    ...(body === undefined
      ? []
      : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(payload)}`]),
  ]
  return Buffer.from(`${fields.join('\r\n')}\r\n\r\n${payload}`)
}
