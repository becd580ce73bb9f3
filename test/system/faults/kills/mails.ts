import type { Between } from './invariants.ts'
import type { ExpectedMail, Ledger, Mailboxes } from './ledger.ts'

/** Faults of the emails that arrived, in words. */
export async function wrongMails(
  rows: Between,
  mail: Mailboxes,
  { owed, deletedAddresses }: Ledger,
  beingSent: Map<string, number>,
) {
  const wrong: string[] = []
  const promised = new Map<string, ExpectedMail & { count: number }>()
  for (const one of owed) {
    const key = `${one.address} ${one.subject}`
    promised.set(key, { ...one, count: (promised.get(key)?.count ?? 0) + 1 })
  }
  for (const { address, subject, count } of promised.values()) {
    const came = mail.to(address, subject).length
    if (came < count) wrong.push(`${address} was promised ${count} like ${subject}, and got ${came}`)
  }
  const filed = await rows.query(
    `SELECT recipient, count(*) AS count FROM outbox WHERE state = 'sent' GROUP BY recipient`,
  )
  for (const { recipient, count } of filed) {
    const address = String(recipient)
    // Rows of sent emails are deleted with their account.
    if (deletedAddresses.has(address)) continue
    const came = mail.to(address, /./).length
    const most = Number(count) + (beingSent.get(address) ?? 0)
    if (came < Number(count) || came > most)
      wrong.push(`${address}: ${came} mails for ${count} rows, ${most} at most`)
  }
  return wrong
}
