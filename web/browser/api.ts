/** The API, through the client that any front end uses. */
import { ROOT } from './addresses.ts'
import { createClient, type Operation, type Problem } from './client.ts'
import type { Refusal } from './refusal.ts'

export const client = createClient({ baseUrl: ROOT.href })

/** A call that did not work: what the service or the client says, or a refusal of the browser. */
export interface Failure {
  code: Problem<Operation, 'cookie_refused'>['code'] | Refusal
  /** Seconds after which trying again makes sense. */
  retryAfter?: number
  /** Which members of the body are at fault. */
  errors?: { path: string }[] | undefined
}

/** What a call resolves to. */
export type Answer<T> = { ok: true; data: T } | { ok: false; problem: Failure }

/** Whether the service found fault with a member of the body. */
export function isAtFault({ code, errors = [] }: Failure, name: string): boolean {
  return code === 'validation_failed' && errors.some(({ path }) => path === `/${name}`)
}
