/** What the bench uses of autocannon, which ships no types. */
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events'

  export interface Request {
    method: 'GET' | 'POST'
    path: string
    headers?: Record<string, string>
    body?: string
    /** Called before each use. */
    setupRequest?: (request: Request) => Request
    onResponse?: (status: number, body: string) => void
  }

  export interface Client extends EventEmitter {
    setRequests(requests: Request[]): void
  }

  export interface Options {
    url: string
    connections: number
    /** Seconds. */
    duration: number
    /** How often it looks whether the time is over, milliseconds. */
    sampleInt: number
    /** Seconds without an answer. */
    timeout: number
    setupClient(client: Client): void
  }

  export interface Result {
    errors: number
    timeouts: number
  }

  /** An emitter of `response` (client, status, bytes, milliseconds) that is also a promise of the result. */
  export default function autocannon(options: Options): EventEmitter & PromiseLike<Result>
}
