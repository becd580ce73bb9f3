/**
 * Open-loop load: requests go out at their times, whether or not earlier ones were answered, so that a
 * server that stalls cannot slow down who measures it. autocannon paces by bursts once a second.
 */
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { measureDriver } from './driver-cpu.ts'

/** One request. */
export interface Call {
  method: 'GET' | 'POST'
  path: string
  headers?: Record<string, string>
  body?: string
}

/** Its answer. */
export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  /** From sending to the end of the answer. */
  ms: number
}

/** Requests at a steady pace. */
export interface Pace {
  /** Origin. */
  url: string
  /** Requests per second. */
  rate: number
  seconds: number
  /** The request of that number. */
  call(index: number): Call
}

/**
 * Sends requests at their times and waits for the last answer.
 *
 * @returns the answers, and the CPU time of the driver as a share of one core
 * @throws Error when a connection breaks
 */
export async function pace({
  url,
  rate,
  seconds,
  call,
}: Pace): Promise<{ answers: Answer[]; driver: number }> {
  const driverShare = measureDriver()
  const agent = new Agent({ keepAlive: true })
  const answers: Promise<Answer>[] = []
  const total = Math.round(rate * seconds)
  const began = performance.now()
  await new Promise<void>(resolve => {
    const timer = setInterval(() => {
      const due = Math.min(total, Math.floor(((performance.now() - began) / 1000) * rate))
      while (answers.length < due) answers.push(send(url, call(answers.length), agent))
      if (answers.length < total) return
      clearInterval(timer)
      resolve()
    }, 1)
  })
  try {
    return { answers: await Promise.all(answers), driver: driverShare() }
  } finally {
    agent.destroy()
  }
}

/** Sends one request, on a connection of its own unless an agent has one. */
export function send(url: string, { method, path, headers, body }: Call, agent?: Agent): Promise<Answer> {
  const began = performance.now()
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url + path,
      { method, agent: agent ?? false, headers: headers ?? {} },
      incoming => {
        incoming.resume()
        incoming.on('error', reject)
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            ms: performance.now() - began,
          }),
        )
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
