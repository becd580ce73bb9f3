// Clients for the hash queue, without a request.
import type { Client } from '../../src/passwords/passwords.ts'

/** A client that stays connected until `disconnect` is called. */
export function clientAt(ip = '127.0.0.1'): Client & { disconnect(): void } {
  const jobs: (() => unknown)[] = []
  let connected = true
  return {
    ip,
    hashSlot: null,
    runOnReply(job) {
      if (connected) jobs.push(job)
      else job()
    },
    disconnect() {
      connected = false
      for (const job of jobs.splice(0)) job()
    },
  }
}
