/** A session, as its owner and operators see it. */
import Type, { type Static } from 'typebox'
import type { Session } from '../database/queries/sessions.ts'
import { Id, orNull, Time } from '../http/schemas.ts'

/** What the owner and operators see of a session. */
export const sessionProperties = {
  id: Id,
  createdAt: Time,
  lastUsedAt: Type.String({ ...Time, description: 'its last refresh' }),
  expiresAt: Time,
  ip: orNull(Type.String({ maxLength: 64 })),
  device: orNull(Type.String({ maxLength: 128, description: 'a readable name' })),
}

export const PublicSession = Type.Object(
  {
    ...sessionProperties,
    current: Type.Boolean({ description: 'whether it is the session of this request' }),
  },
  { title: 'Session', additionalProperties: false, description: 'A device that is logged in' },
)

/** Selects `sessionProperties`: no hash of a token. */
export const sessionFacts = ({ id, createdAt, refreshedAt, expiresAt, ip, device }: Session) => ({
  id,
  createdAt: createdAt.toISOString(),
  lastUsedAt: refreshedAt.toISOString(),
  expiresAt: expiresAt.toISOString(),
  ip,
  device,
})

/** Returns what the owner may see. `current` is the id of the requesting session. */
export function publicSession(session: Session, current: string | undefined): Static<typeof PublicSession> {
  return { ...sessionFacts(session), current: session.id === current }
}
