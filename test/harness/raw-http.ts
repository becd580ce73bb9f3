/** HTTP as bytes on a real connection, for what no client library would send. */
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Answer } from './problem.ts'

/** What came back on one connection. */
export interface Exchange {
  /** Final answers in their order; `100 Continue` is none. */
  answers: Answer[]
  /** Whether the service ended the connection. */
  closed: boolean
}

/** A service that listens, as its peers see it. */
export interface Wire {
  port: number
  /**
   * Sends bytes on a connection of its own and reads until the service ends it, or has given as many
   * answers as asked for.
   *
   * @param pieces sent one after the other, each in a packet of its own
   * @param until how many answers are enough; `hangUp`: whether the client says that nothing more will come
   * @throws Error after 20 s, with what came by then
   */
  exchange(pieces: Bytes | Bytes[], until?: Until): Promise<Exchange>
  /** A connection to do with as one likes. */
  open(): Promise<Socket>
}

type Bytes = string | Buffer

interface Until {
  answers?: number
  hangUp?: boolean
}

/** Makes an app listen on a free port of the loopback interface. */
export async function onTheWire(app: FastifyInstance): Promise<Wire> {
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo

  function open(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket))
      socket.once('error', reject)
    })
  }

  async function exchange(pieces: Bytes | Bytes[], until: Until = {}): Promise<Exchange> {
    const socket = await open()
    const received: Buffer[] = []
    const answers = () => answersIn(Buffer.concat(received))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        socket.destroy()
        reject(new Error(`still open after 20 s: ${Buffer.concat(received)}`))
      }, 20_000)
      const end = (closed: boolean) => {
        clearTimeout(timer)
        socket.destroy()
        resolve({ answers: answers(), closed })
      }
      socket.on('data', chunk => {
        received.push(chunk)
        if (answers().length >= (until.answers ?? Number.POSITIVE_INFINITY)) end(false)
      })
      // A reset after the answer is the service's good right.
      socket.on('error', () => {})
      socket.on('close', () => end(true))
      void send(socket, [pieces].flat()).then(() => until.hangUp && socket.end())
    })
  }

  return { port, exchange, open }
}

async function send(socket: Socket, pieces: Bytes[]) {
  for (const piece of pieces) {
    if (!socket.writable) return
    await new Promise<void>(resolve => socket.write(piece, () => setImmediate(resolve)))
  }
}

/** Takes apart what a server sent; an answer that is not whole yet is left out. */
export function answersIn(bytes: Buffer): Answer[] {
  const answers: Answer[] = []
  let rest = bytes
  while (rest.length > 0) {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) break
    const [status = '', ...fields] = rest.subarray(0, end).toString('latin1').split('\r\n')
    const headers = Object.fromEntries(fields.map(nameAndValue))
    const statusCode = Number(/^HTTP\/1\.1 (\d{3}) /.exec(status)?.[1])
    const length = Number(headers['content-length'] ?? 0)
    const body = rest.subarray(end + 4, end + 4 + length)
    if (body.length < length) break
    rest = rest.subarray(end + 4 + length)
    if (statusCode !== 100) answers.push({ statusCode, headers, body: body.toString() })
  }
  return answers
}

function nameAndValue(field: string): [name: string, value: string] {
  const colon = field.indexOf(':')
  return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()]
}

/** A request's text; the length of the body is added unless the fields say how it is framed. */
export function requestText(
  line: string,
  { fields = [], body = '' }: { fields?: string[]; body?: string } = {},
): string {
  const framed = fields.some(field => /^(content-length|transfer-encoding)\b/i.test(field))
  const length = body !== '' && !framed ? [`Content-Length: ${Buffer.byteLength(body)}`] : []
  const host = fields.some(field => /^host\b/i.test(field)) ? [] : ['Host: localhost']
  return [`${line} HTTP/1.1`, ...host, ...fields, ...length, '', body].join('\r\n')
}
