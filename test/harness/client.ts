// Clients for the hash queue, without a request.
import { Socket } from 'node:net'
import type { Client } from '../../src/passwords/passwords.ts'

/** A client that stays connected. */
export function clientAt(ip = '127.0.0.1'): Client & { socket: Socket } {
  return { ip, socket: new Socket() }
}
