import Type, { type Static } from 'typebox'
import type { Session } from '../database/queries/sessions.ts'

const Time = Type.String({ format: 'date-time', maxLength: 30 })

export const PublicSession = Type.Object(
  {
    id: Type.String({ format: 'uuid', maxLength: 36 }),
    createdAt: Time,
    lastUsedAt: Type.String({ format: 'date-time', maxLength: 30, description: 'its last refresh' }),
    expiresAt: Time,
    ip: Type.Union([Type.String({ maxLength: 64 }), Type.Null()]),
    device: Type.Union([Type.String({ maxLength: 128, description: 'a readable name' }), Type.Null()]),
    current: Type.Boolean({ description: 'whether it is the session of this request' }),
  },
  { title: 'Session', additionalProperties: false, description: 'A device that is logged in' },
)

/** Returns what the owner may see. `current` is the id of the requesting session. */
export function publicSession(session: Session, current: string | undefined): Static<typeof PublicSession> {
  return {
    id: session.id,
    createdAt: session.createdAt.toISOString(),
    lastUsedAt: session.refreshedAt.toISOString(),
    expiresAt: session.expiresAt.toISOString(),
    ip: session.ip,
    device: session.device,
    current: session.id === current,
  }
}
