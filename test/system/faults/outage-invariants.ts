/** Invariants of a service after any outage. */
import type { Test } from 'tap'
import { CATALOGUE } from '../../../src/errors.ts'
import type { ServiceProcess } from '../../harness/process.ts'
import type { Rows } from '../../harness/rows.ts'
import { ask, type Ledger, PASSWORD, type Reply } from './load.ts'

/** Valid responses during an outage: success, or a 503 with Retry-After. */
export function haveNoErrors(t: Test, replies: readonly Reply[], name: string) {
  const odd = replies.filter(reply => !isSuccess(reply) && !isOverloaded(reply))
  t.strictSame(
    odd.map(({ path, status, text }) => ({ path, status, text: text.slice(0, 300) })),
    [],
    `${name}: every response is a success or a 503 problem`,
  )
}

export const isSuccess = ({ status }: Reply) => status >= 200 && status < 300

/** The one 503 of the catalogue that any operation may return, complete. */
export function isOverloaded({ status, headers, body }: Reply): boolean {
  return (
    status === 503 &&
    /^application\/problem\+json\b/.test(headers['content-type'] ?? '') &&
    body?.code === 'overloaded' &&
    body.title === CATALOGUE.overloaded[1] &&
    body.requestId === headers['x-request-id'] &&
    Number(headers['retry-after']) > 0
  )
}

export const slowest = (replies: readonly Reply[]) => Math.max(0, ...replies.map(({ ms }) => ms))

/** Each account keeps its fifty newest sessions. */
const NEWEST = 100

export async function everyLoginHasASession(t: Test, url: string, { loggedIn }: Ledger) {
  const statuses = []
  for (const bearer of loggedIn.slice(-NEWEST)) {
    statuses.push((await ask(url, 'GET', '/me', { bearer })).status)
  }
  t.strictSame([...new Set(statuses)], [200], `every log in is a session (${statuses.length})`)
}

export async function everyRegistrationExists(t: Test, { client }: Rows, { registered }: Ledger) {
  const known = new Set((await client.registration.findMany()).map(({ email }) => email))
  t.strictSame(
    registered.filter(email => !known.has(email)),
    [],
    'every acknowledged registration exists',
  )
}

/** Asserts that the process logged no unexpected error and no secret. */
export function isConsistent(t: Test, service: ServiceProcess, ledger?: Ledger) {
  t.equal(service.child.exitCode, null, 'the process is still the same')
  t.equal(service.stderr(), '', 'no error was unhandled')
  const written = service.stdout()
  const secrets = [PASSWORD, '#token=', 'eyJ', ...(ledger?.loggedIn ?? [])]
  t.strictSame(
    secrets.filter(secret => written.includes(secret)),
    [],
    'no secret is in the log',
  )
}
