import Type, { type Static } from 'typebox'
import {
  type AccountEventKind,
  EVENT_KINDS,
  type Event,
  OPERATOR_EVENT_KINDS,
} from '../database/queries/events.ts'

export const PublicEvent = Type.Object(
  {
    id: Type.String({ format: 'uuid', maxLength: 36 }),
    kind: Type.Enum([...EVENT_KINDS, ...OPERATOR_EVENT_KINDS]),
    at: Type.String({ format: 'date-time', maxLength: 30 }),
    ip: Type.Union([Type.String({ maxLength: 64 }), Type.Null()]),
    device: Type.Union([Type.String({ maxLength: 128 }), Type.Null()]),
    requestId: Type.Union([Type.String({ maxLength: 64 }), Type.Null()]),
    byOperator: Type.Boolean({ description: 'whether an operator of the service did it' }),
  },
  { title: 'Event', additionalProperties: false, description: 'An event in the history of an account' },
)

export function publicEvent(event: Event): Static<typeof PublicEvent> {
  const { id, at, ip, device, requestId } = event
  const kind = event.kind as AccountEventKind
  return { id, kind, at: at.toISOString(), ip, device, requestId, byOperator: event.actor !== null }
}
