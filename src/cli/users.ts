/** Commands for accounts. */
import { Value } from 'typebox/value'
import { loadPart } from '../config/config.ts'
import { USER_STATES } from '../database/queries/managed-users.ts'
import type { User } from '../database/queries/users.ts'
import { problem } from '../errors.ts'
import { managedUser, managedUserDetails } from '../operators/user-schemas.ts'
import * as domain from '../operators/users.ts'
import { type Claims, OtherClaims, Roles, readClaims } from '../shared/claims.ts'
import { canonicalEmail } from '../shared/email-address.ts'
import { BY_CLI, type Command, type Context, type Input, type Output, usageError } from './command.ts'
import { limitOption, readChoice, readCursor, readLimit, readPast } from './input.ts'
import { facts, table } from './table.ts'

const DEFAULT_LIMIT = 50
const MOST = 1000

/** Every command except `list` and `invite` takes one account. */
const ONE = { user: 'email or id of the account' }

const ROLE = { value: 'role', description: 'a role; repeat it for several', multiple: true } as const
const CLAIMS = { value: 'json', description: 'other claims, as a JSON object' } as const

const list: Command = {
  name: 'users list',
  summary: 'list accounts, newest first',
  options: {
    state: { value: 'state', description: `one of ${USER_STATES.join(', ')}` },
    email: { value: 'prefix', description: 'how the email begins; sorts the list by email' },
    'created-after': {
      value: 'time',
      description: 'not created before, such as 2026-01-31, or 90d for 90 days ago',
    },
    'created-before': { value: 'time', description: 'created before' },
    ...limitOption(DEFAULT_LIMIT),
    cursor: { value: 'cursor', description: 'cursor of the last page, to continue after it' },
  },
  async run(context, input) {
    const limit = readLimit(input, DEFAULT_LIMIT, MOST)
    const cursor = readCursor(input, domain.CURSOR)
    const needs = await needsOf(context)
    const now = needs.clock()
    const filter = {
      state: readChoice(input, 'state', USER_STATES),
      emailPrefix: input.optional('email'),
      createdAfter: readPast(input, 'created-after', now),
      createdBefore: readPast(input, 'created-before', now),
    }
    const { users, nextCursor } = await domain.listUsers(needs, filter, cursor, limit)
    const rows = users.map(user => [
      user.id,
      user.email,
      domain.stateOf(user),
      user.createdAt,
      user.lastLoginAt,
    ])
    const more = nextCursor === null ? '' : `\n\nThere are more: add --cursor ${nextCursor}`
    return {
      json: { users: users.map(managedUser), nextCursor },
      text:
        rows.length === 0
          ? 'No account matches. An email that is not confirmed yet has none: latchkey users show EMAIL.'
          : `${table(['id', 'email', 'state', 'created', 'last login'], rows)}${more}`,
    }
  },
}

const show: Command = {
  name: 'users show',
  summary: 'show an account, its sessions and recent events',
  parameters: ONE,
  async run(context, input) {
    const needs = await needsOf(context)
    const details = await domain.detailsOf(needs, await find(needs, input))
    const { user, sessions, events } = details
    const parts = [
      factsOf(user),
      'Sessions:',
      sessions.length === 0
        ? 'none'
        : table(
            ['id', 'created', 'last used', 'expires', 'from', 'device'],
            sessions.map(row => [row.id, row.createdAt, row.refreshedAt, row.expiresAt, row.ip, row.device]),
          ),
      'The last events:',
      events.length === 0
        ? 'none'
        : table(
            ['at', 'event', 'operator', 'from', 'device', 'request'],
            events.map(({ at, kind, actor, ip, device, requestId }) => [
              at,
              kind,
              actor,
              ip,
              device,
              requestId,
            ]),
          ),
    ]
    return { json: managedUserDetails(details), text: parts.join('\n\n').replaceAll(':\n\n', ':\n') }
  },
}

const invite: Command = {
  name: 'users invite',
  summary: 'create an account and email a link to set its password',
  parameters: { email: 'email of the person' },
  options: {
    locale: { value: 'tag', description: 'language of the emails, such as de' },
    role: ROLE,
    claims: CLAIMS,
  },
  async run(context, input) {
    const email = canonicalEmail(input.text('email'), 'email')
    const claims = { roles: readRoles(input) ?? [], claims: readOtherClaims(input) ?? {} }
    const locale = await readLocale(input)
    const user = await domain.inviteUser(await needsOf(context), { email, locale, ...claims }, BY_CLI)
    return done(user, `${email} is invited.`)
  },
}

const setClaims: Command = {
  name: 'users set-claims',
  summary: 'replace the roles, the other claims, or both',
  description:
    'Access tokens carry them from the next refresh on; GET /me and introspection return them at once.\n' +
    'Without an option, a value stays. --no-roles and --claims {} remove them.',
  parameters: ONE,
  options: { role: ROLE, 'no-roles': { description: 'remove every role' }, claims: CLAIMS },
  async run(context, input) {
    const roles = input.flag('no-roles') ? [] : readRoles(input)
    const claims = readOtherClaims(input)
    if (roles === undefined && claims === undefined) throw usageError('Add --role, --no-roles or --claims.')
    const needs = await needsOf(context)
    const user = await find(needs, input)
    const before = readClaims(user.claims)
    const wanted = { roles: roles ?? before.roles, claims: claims ?? before.claims }
    return done(
      await domain.setClaims(needs, user.id, wanted, BY_CLI),
      `The claims of ${user.email} are changed.`,
    )
  },
}

const exportOne: Command = {
  name: 'users export',
  summary: 'print all data of an account as JSON, as its owner can export it',
  description: 'The history of the account records it.',
  parameters: ONE,
  async run(context, input) {
    const needs = await needsOf(context)
    const { id } = await find(needs, input)
    let text = ''
    for await (const part of await domain.exportUser(needs, id, BY_CLI)) text += part
    return { json: JSON.parse(text), text }
  },
}

const remove: Command = {
  name: 'users delete',
  summary: 'delete an account, as its owner can',
  description:
    'The person gets a last email. "This was not me" in a notice undoes the deletion for a week. To make it final,\n' +
    'disable the account first.',
  parameters: ONE,
  question: async (context, input) => `Delete the account ${(await findIn(context, input)).email}?`,
  async run(context, input) {
    const needs = await needsOf(context)
    const { id, email } = await find(needs, input)
    await domain.deleteUser(needs, id, BY_CLI)
    return { json: { id, email }, text: `The account ${email} is deleted.` }
  },
}

const endSessions: Command = {
  name: 'users end-sessions',
  summary: 'log an account out everywhere',
  description: 'Access tokens are refused at once. The password stays: see users require-reset.',
  parameters: ONE,
  question: async (context, input) => `End all sessions of ${(await findIn(context, input)).email}?`,
  async run(context, input) {
    const needs = await needsOf(context)
    const user = await find(needs, input)
    await domain.endSessions(needs, user.id, BY_CLI)
    return done(user, `The sessions of ${user.email} have ended.`)
  },
}

/** A command that changes an account and shows it afterwards. */
const acting = (
  name: string,
  summary: string,
  {
    description,
    act,
    says,
    asks,
  }: {
    description?: string
    act: (needs: Needs, id: string, by: typeof BY_CLI) => Promise<User>
    says: (email: string) => string
    asks?: (email: string) => string
  },
): Command => ({
  name: `users ${name}`,
  summary,
  ...(description !== undefined && { description }),
  parameters: ONE,
  ...(asks && { question: async (context, input) => asks((await findIn(context, input)).email) }),
  async run(context, input) {
    const needs = await needsOf(context)
    const { id } = await find(needs, input)
    const user = await act(needs, id, BY_CLI)
    return done(user, says(user.email))
  },
})

export const users: readonly Command[] = [
  list,
  show,
  invite,
  acting('invite-again', 'mail the link of an invitation again', {
    act: domain.inviteUserAgain,
    says: email => `${email} is invited again, unless the person has accepted.`,
  }),
  acting('disable', 'disable an account: nobody gets in, and every session ends', {
    description: 'Sessions, links and codes from before stay void when the account is enabled again.',
    act: domain.disableUser,
    says: email => `The account ${email} is disabled.`,
    asks: email => `Disable the account ${email}?`,
  }),
  acting('enable', 'enable a disabled account', {
    act: domain.enableUser,
    says: email => `The account ${email} is enabled.`,
  }),
  acting('require-reset', 'make the owner set a new password', {
    description: 'The password becomes unusable, every session is revoked, and a reset link is sent.',
    act: domain.requireReset,
    says: email => `${email} gets a reset link. The old password and all sessions are void.`,
    asks: email => `Make the password of ${email} unusable and mail a reset link?`,
  }),
  acting('unlock', 'lift the back-off after wrong passwords', {
    description: 'It applies to every instance. The limit on refused logins of a network stays.',
    act: domain.unlockUser,
    says: email => `Wrong passwords so far no longer slow down logins of ${email}.`,
  }),
  endSessions,
  setClaims,
  exportOne,
  remove,
]

type Needs = Awaited<ReturnType<typeof needsOf>>

/** Durations determine how long a deletion can be undone, and which emails an export contains. */
async function needsOf(context: Context) {
  const config = loadPart(await context.environment(), ['SECURE_TOKEN_TTL', 'MAIL_RETENTION'])
  return { ...(await context.needs()), config }
}

/** @throws {ProblemError} `not_found` */
async function find(needs: Needs, input: Input): Promise<User> {
  const { database, clock } = needs
  const text = input.text('user').trim()
  if (!text.includes('@')) return domain.getUser(needs, text)
  const email = canonicalEmail(text, 'user')
  const user = await database.users.findByEmail(email)
  if (user) return user
  const registration = await database.registrations.findByEmail(email, clock())
  const detail = registration
    ? `${email} is registered and not confirmed yet. Its emails: latchkey mails list --to ${email}`
    : `There is no account with the email ${email}. It may have changed: latchkey users list --email PREFIX`
  throw problem('not_found', { detail })
}

const findIn = async (context: Context, input: Input) => find(await needsOf(context), input)

function readRoles(input: Input): string[] | undefined {
  const roles = input.list('role')
  if (roles.length === 0) return undefined
  if (!Value.Check(Roles, roles)) {
    throw usageError(
      '--role: expected letters, digits and _ . : / -, at most 32 roles of 64 characters, none twice.',
    )
  }
  return roles
}

function readOtherClaims(input: Input): Claims['claims'] | undefined {
  const text = input.optional('claims')
  if (text === undefined) return undefined
  try {
    const claims: unknown = JSON.parse(text)
    if (Value.Check(OtherClaims, claims)) return claims
  } catch {}
  throw usageError(
    `--claims: expected a JSON object such as '{"plan":"pro"}', at most 32 names of letters and digits.`,
  )
}

async function readLocale(input: Input): Promise<string | null> {
  const { canonicalLocale, Locale } = await import('../messages/locale.ts')
  const text = input.optional('locale')
  if (text !== undefined && !Value.Check(Locale, text))
    throw usageError('--locale: expected a language tag such as de.')
  return canonicalLocale(text)
}

function factsOf(user: User): string {
  const { roles, claims } = readClaims(user.claims)
  return facts([
    ['id', user.id],
    ['email', user.email],
    ['state', domain.stateOf(user)],
    ['created', user.createdAt],
    ['confirmed', user.emailConfirmedAt],
    ['last login', user.lastLoginAt],
    ['password changed', user.passwordChangedAt],
    ['disabled', user.disabledAt],
    ['secured by owner', user.securedAt],
    ['unlocked', user.unlockedAt],
    ['invited', user.invitedAt],
    ['language', user.locale],
    ['roles', roles.join(' ')],
    ['claims', Object.keys(claims).length === 0 ? null : JSON.stringify(claims)],
  ])
}

const done = (user: User, said: string): Output => ({
  json: managedUser(user),
  text: `${said}\n\n${factsOf(user)}`,
})
