/** One process of the service at a time, and its clients while it restarts. */
import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: a parsed answer, whose form the test asserts
  body: any
}

export interface Call {
  body?: object
  /** Access token. */
  bearer?: string | undefined
  userAgent?: string
}

/** Base URL of requests. */
export interface Gateway {
  /** Called when a process is ready. */
  open(url: string): void
  /** Holds new requests until the next process is ready. */
  shut(): void
  /** Number of responses of this process. */
  answers(): number
  /**
   * Sends a request once a process is running.
   *
   * @returns the whole response, or undefined if the process was killed first, so that the outcome is unknown
   */
  ask(method: string, path: string, call?: Call): Promise<Answer | undefined>
  /** Repeats a request until there is a response. */
  askUntilAnswered(method: string, path: string, call?: Call): Promise<Answer>
}

/** A process that neither responds nor ends for this long is a fault. */
const LONGEST_ANSWER_MS = 60_000

/** @param signal once aborted, waiting requests are rejected */
export function newGateway(signal: AbortSignal): Gateway {
  let url: string | undefined
  let agent = new Agent({ keepAlive: true })
  let answers = 0

  async function ask(method: string, path: string, call: Call = {}): Promise<Answer | undefined> {
    while (url === undefined) await delay(10, undefined, { signal })
    signal.throwIfAborted()
    const answer = await send(agent, method, url + path, call)
    if (answer !== undefined) answers++
    return answer
  }

  return {
    ask,
    async askUntilAnswered(method, path, call) {
      for (;;) {
        const answer = await ask(method, path, call)
        if (answer !== undefined) return answer
      }
    },
    open(at) {
      answers = 0
      url = at
    },
    shut() {
      url = undefined
      agent.destroy()
      agent = new Agent({ keepAlive: true })
    },
    answers: () => answers,
  }
}

function send(agent: Agent, method: string, url: string, { body, bearer, userAgent }: Call) {
  const payload = body && JSON.stringify(body)
  return new Promise<Answer | undefined>((resolve, reject) => {
    const headers = {
      ...(payload && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
      ...(bearer && { authorization: `Bearer ${bearer}` }),
      ...(userAgent && { 'user-agent': userAgent }),
    }
    const outgoing = request(url, { method, agent, headers, timeout: LONGEST_ANSWER_MS }, incoming => {
      const parts: Buffer[] = []
      incoming.on('data', part => parts.push(part))
      // A truncated response is no response.
      incoming.on('error', () => resolve(undefined))
      incoming.on('end', () => {
        if (!incoming.complete) return resolve(undefined)
        const text = Buffer.concat(parts).toString()
        resolve({ status: incoming.statusCode ?? 0, body: text === '' ? undefined : JSON.parse(text) })
      })
    })
    outgoing.on('timeout', () => {
      reject(new Error(`${method} ${url}: neither answer nor end in ${LONGEST_ANSWER_MS / 1000} s`))
      outgoing.destroy()
    })
    outgoing.on('error', () => resolve(undefined))
    outgoing.end(payload)
  })
}
