/** Deletion of an account, by its owner or an operator. */
import type { Database } from '../database/index.ts'
import type { Actor, Origin } from '../database/queries/events.ts'
import type { User } from '../database/queries/users.ts'

/** What a deletion needs of the service. */
export interface DeletionNeeds {
  database: Pick<Database, 'deletions'>
  clock: () => Date
  config: { SECURE_TOKEN_TTL: number }
}

/**
 * Deletes an account, for its owner and for operators. "This was not me" in an earlier notice undoes it as long as the
 * link in a notice of this moment would be good.
 *
 * @param user as it was read
 * @param actor the operator, if it is one
 * @returns false if the account has changed since it was read
 */
export function deleteAccount(
  { database, clock, config }: DeletionNeeds,
  user: User,
  origin: Origin,
  actor?: Actor,
): Promise<boolean> {
  const now = clock()
  const undoable = new Date(now.getTime() + config.SECURE_TOKEN_TTL * 1000)
  return database.deletions.remove(user, now, origin, undoable, actor)
}
