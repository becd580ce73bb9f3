/** Whom a hash is for, where there is no request. */
import type { Client } from '../../src/passwords/passwords.ts'

/** A client that stays. */
export function clientAt(ip = '127.0.0.1'): Client {
  return { ip, signal: new AbortController().signal }
}
