/** Ids of requests: UUID version 7 (RFC 9562 section 5.7), like all ids here. */
import { randomUUID } from 'node:crypto'

/**
 * The random part comes from `randomUUID`, for which Node keeps random bytes in store: `uuid` asks the operating system
 * each time, which was 4 % of the time of a cheap request. Ids of one millisecond are in no order, so rows have others.
 *
 * @returns a new id, in 36 characters
 */
export function newRequestId(): string {
  const milliseconds = Date.now().toString(16).padStart(12, '0')
  return `${milliseconds.slice(0, 8)}-${milliseconds.slice(8)}-7${randomUUID().slice(15)}`
}
