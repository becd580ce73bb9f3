/**
 * Networks from which a login, a reset or a confirmation of an account succeeded. Guesses that come from elsewhere do
 * not slow down logins from them.
 */

import type { Prisma } from '../generated/sqlite/client.ts'
import { networkOf } from '../network.ts'
import type { Run } from './statements.ts'

const DAY_MS = 86_400_000
/** How long a network stays familiar after a success. */
const FAMILIAR_MS = 90 * DAY_MS
/** A network that was recorded more recently is not recorded again, which saves logins a write. */
const RECORD_AGAIN_MS = DAY_MS

/** The id of a row, in SQL for the account that a query finds. */
export const FAMILIAR_ID = (userId: string, network: string) => `${userId} || ' ' || ${network}`
const idOf = (userId: string, network: string) => `${userId} ${network}`

const RECORD = `INSERT INTO familiar_networks (id, user_id, expires_at) VALUES ($1, $2, $3)
  ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at`

/** Records the network of a success within a transaction by hand. */
export async function insertFamiliarNetwork(run: Run, userId: string, ip: string | null, now: Date) {
  if (ip === null) return
  const id = idOf(userId, networkOf(ip))
  await run(RECORD, [id, userId, new Date(now.getTime() + FAMILIAR_MS)])
}

/** Records the network of a success within a transaction of Prisma's. */
export async function recordFamiliarNetwork(
  tx: Prisma.TransactionClient,
  userId: string,
  ip: string | null,
  now: Date,
) {
  if (ip === null) return
  const id = idOf(userId, networkOf(ip))
  const expiresAt = new Date(now.getTime() + FAMILIAR_MS)
  await tx.familiarNetwork.upsert({
    where: { id },
    create: { id, userId, expiresAt },
    update: { expiresAt },
  })
}

/** Whether a network was recorded so recently that recording it again changes little. */
export function isFreshlyFamiliar(expiresAt: Date | null, now: Date): boolean {
  return expiresAt !== null && expiresAt.getTime() > now.getTime() + FAMILIAR_MS - RECORD_AGAIN_MS
}

const FIND = 'SELECT id FROM familiar_networks WHERE id = $1 AND expires_at > $2'

/** Whether a login, reset or confirmation of the account succeeded from the network of an address. */
export async function isFamiliarNetwork(read: Run, userId: string, ip: string, now: Date): Promise<boolean> {
  return (await read(FIND, [idOf(userId, networkOf(ip)), now])).length > 0
}
