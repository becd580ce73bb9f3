/** The API, called with the same client as any front end. */
import { ROOT } from './addresses.ts'
import { createClient, type Operation, type Problem } from './client.ts'
import type { Refusal } from './refusal.ts'

export const client = createClient({ baseUrl: ROOT.href })

/** A failed call: a problem of the service or the client, or a refusal of the browser. */
export interface Failure {
  code: Problem<Operation, 'cookie_refused'>['code'] | Refusal
  /** Seconds after which a retry makes sense. */
  retryAfter?: number
  /** Members of the body that are invalid. */
  errors?: { path: string }[] | undefined
}

/** Result of a call. */
export type Answer<T> = { ok: true; data: T } | { ok: false; problem: Failure }

/** Whether a member of the body is invalid. */
export function isAtFault({ code, errors = [] }: Failure, name: string): boolean {
  return code === 'validation_failed' && errors.some(({ path }) => path === `/${name}`)
}
