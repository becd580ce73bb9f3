/** An event of the history, as its owner sees it. */
import Type, { type Static } from 'typebox'
import {
  type AccountEventKind,
  EVENT_KINDS,
  type Event,
  OPERATOR_EVENT_KINDS,
} from '../database/queries/events.ts'
import { Id, orNull, Time } from '../http/schemas.ts'

export const PublicEvent = Type.Object(
  {
    id: Id,
    kind: Type.Enum([...EVENT_KINDS, ...OPERATOR_EVENT_KINDS]),
    at: Time,
    ip: orNull(Type.String({ maxLength: 64 })),
    device: orNull(Type.String({ maxLength: 128 })),
    requestId: orNull(Type.String({ maxLength: 64 })),
    byOperator: Type.Boolean({ description: 'whether an operator of the service did it' }),
  },
  { title: 'Event', additionalProperties: false, description: 'An event in the history of an account' },
)

export function publicEvent(event: Event): Static<typeof PublicEvent> {
  const { id, at, ip, device, requestId } = event
  const kind = event.kind as AccountEventKind
  return { id, kind, at: at.toISOString(), ip, device, requestId, byOperator: event.actor !== null }
}
