/** Accounts as operators see them: never a password or its hash. */
import Type, { type Static } from 'typebox'
import { USER_STATES } from '../database/queries/managed-users.ts'
import type { User } from '../database/queries/users.ts'
import { Id, orNull, Time } from '../http/schemas.ts'
import { sessionFacts, sessionProperties } from '../sessions/public-session.ts'
import { OtherClaims, Roles, readClaims } from '../shared/claims.ts'
import { EXAMPLE as EVENT_EXAMPLE, OperatorEvent, operatorEvent } from './public-event.ts'
import { RECENT_EVENTS, stateOf, type UserDetails } from './users.ts'

const MaybeTime = orNull(Time)
export const State = Type.Enum([...USER_STATES], { type: 'string' })

export const EXAMPLE = {
  id: '01936f3e-8a77-7c3b-9d0e-4f1f2f0c6a55',
  email: 'ada@example.org',
  state: 'active' as const,
  emailConfirmedAt: '2026-01-31T09:30:00.000Z',
  passwordChangedAt: '2026-01-31T09:28:12.000Z',
  lastLoginAt: '2026-02-01T08:00:00.000Z',
  disabledAt: null,
  securedAt: null,
  unlockedAt: null,
  invitedAt: null,
  createdAt: '2026-01-31T09:30:00.000Z',
  locale: 'en-GB',
  roles: ['editor'],
  claims: { plan: 'pro' },
}

export const ManagedUser = Type.Object(
  {
    id: Id,
    email: Type.String({ maxLength: 254, format: 'email' }),
    state: State,
    emailConfirmedAt: MaybeTime,
    passwordChangedAt: Time,
    lastLoginAt: MaybeTime,
    disabledAt: MaybeTime,
    securedAt: MaybeTime,
    unlockedAt: MaybeTime,
    invitedAt: MaybeTime,
    createdAt: Time,
    locale: orNull(Type.String({ maxLength: 35 })),
    roles: Roles,
    claims: OtherClaims,
  },
  { title: 'ManagedUser', additionalProperties: false, description: 'An account, as operators see it' },
)
export type ManagedUser = Static<typeof ManagedUser>

const ManagedSession = Type.Object(sessionProperties, {
  title: 'ManagedSession',
  additionalProperties: false,
  description: 'A device that is logged in',
})

/** One account, as GET /users/{id} and `latchkey users show` print it. */
export const ManagedUserDetails = Type.Object(
  {
    ...ManagedUser.properties,
    sessions: Type.Array(ManagedSession, {
      maxItems: 1000,
      description: 'devices that are logged in, the most recently used first',
    }),
    events: Type.Array(OperatorEvent, { maxItems: RECENT_EVENTS, description: 'the latest, oldest first' }),
  },
  {
    title: 'ManagedUserDetails',
    additionalProperties: false,
    description: 'An account with its sessions and what happened lately',
    examples: [
      { ...EXAMPLE, sessions: [], events: [{ ...EVENT_EXAMPLE, kind: 'enabled', userId: EXAMPLE.id }] },
    ],
  },
)
export type ManagedUserDetails = Static<typeof ManagedUserDetails>

/** Picks what operators may see: no hash of a token. */
export function managedUserDetails({ user, sessions, events }: UserDetails): ManagedUserDetails {
  return {
    ...managedUser(user),
    sessions: sessions.map(sessionFacts),
    events: events.map(operatorEvent),
  }
}

/** The `response` schema of a route that returns an account. */
export const managedUserResponse = (description: string) => ({
  description,
  content: { 'application/json': { schema: ManagedUser, examples: { user: { value: EXAMPLE } } } },
})

/** Selects the properties that operators may see. */
export function managedUser(user: User): ManagedUser {
  const time = (at: Date | null) => at?.toISOString() ?? null
  return {
    id: user.id,
    email: user.email,
    state: stateOf(user),
    emailConfirmedAt: time(user.emailConfirmedAt),
    passwordChangedAt: user.passwordChangedAt.toISOString(),
    lastLoginAt: time(user.lastLoginAt),
    disabledAt: time(user.disabledAt),
    securedAt: time(user.securedAt),
    unlockedAt: time(user.unlockedAt),
    invitedAt: time(user.invitedAt),
    createdAt: user.createdAt.toISOString(),
    locale: user.locale,
    ...readClaims(user.claims),
  }
}
