/** Networks from which a login, reset or confirmation of an account succeeded. */
import type { PrismaClient } from '../../generated/sqlite/client.ts'
import { networkOf } from '../../shared/network.ts'
import type { Run, Value } from '../sql.ts'

const DAY_MS = 86_400_000
/** How long a network stays familiar. Failed logins elsewhere do not slow down logins from it. */
const FAMILIAR_MS = 90 * DAY_MS
/** A more recent record is kept as it is, which saves logins a write. */
const RECORD_AGAIN_MS = DAY_MS

/** `idOf` as an expression of SQL. */
export const familiarIdIn = (userId: string, network: string) => `${userId} || ' ' || ${network}`
const idOf = (userId: string, network: string) => `${userId} ${network}`

export const RECORD_NETWORK = {
  columns: 'id, user_id, expires_at',
  otherwise: 'ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at',
}

export const networkRow = (userId: string, ip: string, now: Date): Value[] => [
  idOf(userId, networkOf(ip)),
  userId,
  new Date(now.getTime() + FAMILIAR_MS),
]

const RECORD = `INSERT INTO familiar_networks (${RECORD_NETWORK.columns}) VALUES ($1, $2, $3)
  ${RECORD_NETWORK.otherwise}`

export async function insertFamiliarNetwork(run: Run, userId: string, ip: string | null, now: Date) {
  if (ip !== null) await run(RECORD, networkRow(userId, ip, now))
}

export function isFreshlyFamiliar(expiresAt: Date | null, now: Date): boolean {
  return expiresAt !== null && expiresAt.getTime() > now.getTime() + FAMILIAR_MS - RECORD_AGAIN_MS
}

const FIND = 'SELECT id FROM familiar_networks WHERE id = $1 AND expires_at > $2'

/** Whether a login, reset or confirmation of the account succeeded from the network of `ip`. */
export async function isFamiliarNetwork(read: Run, userId: string, ip: string, now: Date): Promise<boolean> {
  return (await read(FIND, [idOf(userId, networkOf(ip)), now])).length > 0
}

export interface FamiliarNetwork {
  /** IPv4 address, or IPv6 /64. */
  network: string
  expiresAt: Date
}

/** The next networks of an account, ordered, after one of them. */
export async function nextFamiliarNetworks(
  client: PrismaClient,
  userId: string,
  after: string,
  now: Date,
  limit: number,
): Promise<FamiliarNetwork[]> {
  const rows = await client.familiarNetwork.findMany({
    where: { userId, id: { gt: idOf(userId, after) }, expiresAt: { gt: now } },
    orderBy: { id: 'asc' },
    take: limit,
  })
  return rows.map(({ id, expiresAt }) => ({ network: id.slice(idOf(userId, '').length), expiresAt }))
}
