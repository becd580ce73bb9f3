// Whether every row is one that the service could have written.
import { isIP } from 'node:net'
import type { Provider } from '../../src/database/index.ts'
import { EVENT_KINDS, OPERATOR_EVENT_KINDS, SERVICE_EVENT_KINDS } from '../../src/database/queries/events.ts'
import { canonicalEmail } from '../../src/shared/email-address.ts'
import type { Rows } from '../harness/rows.ts'

const KINDS: readonly string[] = [...EVENT_KINDS, ...OPERATOR_EVENT_KINDS, ...SERVICE_EVENT_KINDS]
const UUID = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/

/** Returns the faults of the rows and of the file. */
export async function faultyRows({ client, dump }: Rows, provider: Provider): Promise<unknown[]> {
  const { users, registrations, sessions, outbox } = await dump()
  const events = await client.event.findMany()
  const origins: Record<string, unknown>[] = [...sessions, ...outbox, ...events].map(row => ({ ...row }))
  const wrong: unknown[] = []
  if (provider === 'sqlite') {
    const answer = await client.$queryRawUnsafe('PRAGMA integrity_check')
    if (JSON.stringify(answer) !== '[{"integrity_check":"ok"}]') wrong.push(answer)
    wrong.push(...(await client.$queryRawUnsafe<unknown[]>('PRAGMA foreign_key_check')))
  }
  const expect = (right: boolean, what: unknown) => void (right || wrong.push(what))
  for (const row of users as { passwordHash: string }[]) expect(row.passwordHash.length > 0, row)
  for (const row of registrations) expect(!('passwordHash' in row), row)
  for (const row of [...users, ...registrations] as { email: string; locale: string | null }[]) {
    expect(canonicalEmail(row.email) === row.email, row)
    expect((row.locale ?? 'en').length <= 35 && !/[^\w-]/.test(row.locale ?? ''), row)
  }
  for (const { id, ip, device } of origins) {
    expect(UUID.test(String(id)), { id })
    expect(ip === null || (isIP(String(ip)) > 0 && String(ip).length <= 45), { ip })
    expect(device === null || /^[\x20-\x7e]{1,128}$/.test(String(device)), { device })
  }
  for (const { recipient, state } of outbox as { recipient: string; state: string }[]) {
    expect(canonicalEmail(recipient) === recipient, { recipient })
    expect(['sent', 'dropped'].includes(state), { state })
  }
  for (const { kind } of events) expect(KINDS.includes(kind), { kind })
  if (users.length === 0 || outbox.length === 0 || events.length === 0) wrong.push('there are none')
  return wrong
}
