/** An event, as operators see it. */
import Type, { type Static } from 'typebox'
import type { FeedEvent } from '../database/queries/event-feed.ts'
import {
  EVENT_KINDS,
  type EventKind,
  OPERATOR_EVENT_KINDS,
  SERVICE_EVENT_KINDS,
} from '../database/queries/events.ts'
import { Id, orNull, Time } from '../http/schemas.ts'

const textOrNull = (maxLength: number, description: string) => orNull(Type.String({ maxLength }), description)

/** An event as operators see it. */
export const OperatorEvent = Type.Object(
  {
    id: Id,
    kind: Type.Enum([...EVENT_KINDS, ...OPERATOR_EVENT_KINDS, ...SERVICE_EVENT_KINDS], { type: 'string' }),
    at: Time,
    userId: textOrNull(36, 'the account; null where there is none, or where it was deleted for good'),
    actor: textOrNull(
      64,
      'the operator: `key:` and the id of an API key, or `cli`; null for the owner or a stranger',
    ),
    target: textOrNull(64, 'the id of the API key or email that it is about'),
    ip: textOrNull(64, 'where the request came from'),
    device: textOrNull(128, 'such as `Firefox on Linux`'),
    requestId: textOrNull(64, 'the request, as in the log'),
  },
  {
    title: 'FeedEvent',
    additionalProperties: false,
    description: 'An event of an account, a key or an email',
  },
)
export type OperatorEvent = Static<typeof OperatorEvent>

export const EXAMPLE: OperatorEvent = {
  id: '01936f3e-8a77-7c3b-9d0e-4f1f2f0c6a55',
  kind: 'disabled',
  at: '2026-01-31T09:30:00.000Z',
  userId: '01936f3e-8a70-7f2a-b7a0-33b6c5a0a4f1',
  actor: 'key:01936f3e-8a60-7d11-8f4e-0c9a6c2b7e10',
  target: null,
  ip: null,
  device: null,
  requestId: '01936f3e-8a76-7000-8d6d-40c6c8f8ad2f',
}

/** Selects the properties that operators may see. */
export function operatorEvent(row: Omit<FeedEvent, 'position'>): OperatorEvent {
  const { id, kind, at, userId, actor, target, ip, device, requestId } = row
  return { id, kind: kind as EventKind, at: at.toISOString(), userId, actor, target, ip, device, requestId }
}
