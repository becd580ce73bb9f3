/** An account, as its owner sees it. */
import Type, { type Static } from 'typebox'
import type { Bearer } from '../database/queries/users.ts'
import { Id, orNull, Time } from '../http/schemas.ts'
import { OtherClaims, Roles, readClaims } from '../shared/claims.ts'

const UtcTime = Type.String({ ...Time, description: 'ISO 8601, UTC' })

export const EXAMPLE = {
  id: '01936f3e-8a77-7c3b-9d0e-4f1f2f0c6a55',
  email: 'ada@example.org',
  emailConfirmedAt: '2026-01-31T09:30:00.000Z',
  passwordChangedAt: '2026-01-31T09:28:12.000Z',
  createdAt: '2026-01-31T09:30:00.000Z',
  locale: 'en-GB',
  roles: ['editor'],
  claims: { plan: 'pro' },
}

export type PublicUser = Static<typeof PublicUser>
export const PublicUser = Type.Object(
  {
    id: Type.String({ ...Id, description: 'UUID v7' }),
    email: Type.String({ maxLength: 254, format: 'email' }),
    emailConfirmedAt: orNull(UtcTime),
    passwordChangedAt: UtcTime,
    createdAt: UtcTime,
    locale: orNull(Type.String({ maxLength: 35 })),
    roles: Roles,
    claims: OtherClaims,
  },
  { title: 'User', additionalProperties: false, description: 'An account, as its owner sees it' },
)

export function userResponse(description: string) {
  return {
    description,
    content: { 'application/json': { schema: PublicUser, examples: { user: { value: EXAMPLE } } } },
  }
}

export function publicUser(user: Bearer): PublicUser {
  return {
    id: user.id,
    email: user.email,
    emailConfirmedAt: user.emailConfirmedAt?.toISOString() ?? null,
    passwordChangedAt: user.passwordChangedAt.toISOString(),
    createdAt: user.createdAt.toISOString(),
    locale: user.locale,
    ...readClaims(user.claims),
  }
}
