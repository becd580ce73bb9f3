// Raw bytes over a real connection, for what no client library sends.
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Answer } from './problem.ts'

export interface Exchange {
  /** Final responses in order, without `100 Continue`. */
  answers: Answer[]
  closed: boolean
}

export interface Wire {
  port: number
  /**
   * Sends bytes on a new connection and reads until it closes or has enough responses.
   *
   * @param pieces sent in separate packets
   * @param until number of responses; `hangUp`: half-close after sending
   * @throws Error after 20 s, with the responses so far
   */
  exchange(pieces: Bytes | Bytes[], until?: Until): Promise<Exchange>
  open(): Promise<Socket>
}

type Bytes = string | Buffer

interface Until {
  answers?: number
  hangUp?: boolean
}

/** Listens on a free loopback port. */
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
      // The service may reset the connection after a response.
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

/** Parses complete responses. */
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

/** Formats a request. Adds the length of the body unless the headers define its framing. */
export function requestText(
  line: string,
  { fields = [], body = '' }: { fields?: string[]; body?: string } = {},
): string {
  const framed = fields.some(field => /^(content-length|transfer-encoding)\b/i.test(field))
  const length = body !== '' && !framed ? [`Content-Length: ${Buffer.byteLength(body)}`] : []
  const host = fields.some(field => /^host\b/i.test(field)) ? [] : ['Host: localhost']
  return [`${line} HTTP/1.1`, ...host, ...fields, ...length, '', body].join('\r\n')
}
